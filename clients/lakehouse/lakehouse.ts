import { content, type Content } from '../../domain/entities/content.ts';
import { FieldError, type Fields } from '../../domain/schema/field.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import type { Ranked, RankingKind } from '../../domain/entities/ranking.ts';
import type { TrendingItem } from '../../domain/entities/trending.ts';
import type { PlatformStats } from '../../domain/entities/stats.ts';
import type { Row, TableEntity } from '../../domain/schema/table-entity.ts';
import type { ProfileSplit } from '../../domain/warming/profile-splits.ts';
import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import { ALL, isPlatform } from '../../domain/values/platform.ts';
import {
  trustFeatureColumns,
  trustFeaturesFromRow,
  type TrustFeatures,
} from '../../domain/scoring/trust-features.ts';
import {
  countIdsSql,
  countRowsSql,
  dailyStatsSql,
  mostFollowedSql,
  platformStatsSql,
  profileListsSql,
  profileSplitSql,
  rankingSql,
  searchTermsSql,
  snapshotSql,
  trendingSql,
  trustFeaturesSql,
} from './queries.ts';
import type { SilverCatalog } from './silver-catalog.ts';
import { literals } from './sql.ts';
import { TrinoQueryError, type Trino } from './trino.ts';

/** How one read of the lakehouse is watched and ended. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Where the reader takes longer than queries are given by default. */
  readonly timeoutSeconds?: number | undefined;
  /** A row that is not what the contract says is left out and told here. */
  readonly onRejected?: (reason: string) => void;
}

/** Results that exist for each platform and for `all`. */
export type ByPlatform<T> = ReadonlyMap<string, T>;

/** Counts of one day, for stats:daily. */
export interface DayCounts {
  readonly day: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** Which profiles to read: the most followed ones, overall and of each platform. */
export interface MostFollowed {
  readonly most: number;
  readonly perPlatform: number;
}

/** Everything that the system asks of the Silver tables: all the SQL there is. */
export interface Lakehouse {
  mostFollowed(choice: MostFollowed, options?: ReadOptions): AsyncGenerator<Profile[]>;
  /** A share of all profiles by ascending id, after one id where a reader goes on that was cut short. */
  profileSplit(
    split: ProfileSplit,
    range: { readonly after: string | null; readonly platforms?: readonly string[] | undefined },
    options?: ReadOptions,
  ): AsyncGenerator<Profile[]>;
  countRows(table: SilverTable, options?: ReadOptions): Promise<number>;
  /** Different ids in the entity's table. */
  countIds(entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>, options?: ReadOptions): Promise<number>;
  /** The table's current snapshot; null where the table cannot tell (no Iceberg table, or never written). */
  snapshot(table: SilverTable, options?: ReadOptions): Promise<string | null>;
  /** Those of the ids that the entity's table has. */
  existing(
    entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>,
    ids: readonly string[],
    options?: ReadOptions,
  ): Promise<Set<string>>;
  profilesById(ids: readonly string[], options?: ReadOptions): Promise<Profile[]>;
  /** Each platform's profiles, most followers first, at most `limit` of each. */
  profileLists(limit: number, only?: string, options?: ReadOptions): Promise<ByPlatform<Profile[]>>;
  ranking(
    kind: RankingKind,
    limit: number,
    only?: string,
    options?: ReadOptions,
  ): Promise<ByPlatform<Ranked[]>>;
  /** Content of the 24 h before `now`, or where a platform has none, of its newest day; hottest first. */
  trending(limit: number, now: Date, only?: string, options?: ReadOptions): Promise<ByPlatform<TrendingItem[]>>;
  contentById(ids: readonly string[], options?: ReadOptions): Promise<Content[]>;
  platformStats(now: Date, options?: ReadOptions): Promise<PlatformStats>;
  dailyStats(from: Date, to: Date, options?: ReadOptions): Promise<DayCounts[]>;
  searchTerms(limit: number, options?: ReadOptions): AsyncGenerator<string[]>;
  trustFeatures(ids: readonly string[], options?: ReadOptions): Promise<TrustFeatures[]>;
  allTrustFeatures(options?: ReadOptions): AsyncGenerator<TrustFeatures[]>;
}

export function createLakehouse(trino: Trino, silver: SilverCatalog): Lakehouse {
  const byId = async <F extends Fields>(
    entity: TableEntity<F>,
    ids: readonly string[],
    options: ReadOptions = {},
  ) => {
    if (ids.length === 0) return [];
    const source = await silver.source();
    const idText = source.text(entity.table, entity.idColumn);
    const sql = `SELECT ${source.select(entity)} FROM ${source.table(entity.table)}
                 WHERE ${idText} IN ${literals(ids)}`;
    const rows = await trino.rows(sql, { columns: Object.keys(entity.columns), signal: options.signal });
    return mapRows(rows, entity.fromRow, options);
  };

  async function* profilePages(sql: string, options: ReadOptions): AsyncGenerator<Profile[]> {
    const columns = Object.keys(profile.columns);
    const { signal, timeoutSeconds } = options;
    for await (const page of trino.pages(sql, { columns, signal, timeoutSeconds }))
      yield mapRows(page, profile.fromRow, options);
  }

  return {
    async *mostFollowed(choice, options = {}) {
      yield* profilePages(mostFollowedSql(await silver.source(), choice), options);
    },
    async *profileSplit(split, { after, platforms }, options = {}) {
      yield* profilePages(profileSplitSql(await silver.source(), split, after, platforms), options);
    },
    async countRows(table, { signal } = {}) {
      const sql = countRowsSql(await silver.source(), table);
      const [row] = await trino.rows(sql, { columns: ['rows'], signal });
      return Number(row?.[0]);
    },
    async countIds({ table, idColumn }, { signal } = {}) {
      const sql = countIdsSql(await silver.source(), table, idColumn);
      const [row] = await trino.rows(sql, { columns: ['ids'], signal });
      return Number(row?.[0]);
    },
    async snapshot(table, { signal } = {}) {
      try {
        const sql = snapshotSql(await silver.source(), table);
        const [row] = await trino.rows(sql, { columns: ['snapshot_id'], signal });
        return row?.[0] ?? null;
      } catch (error) {
        // Other connectors have no such metadata table.
        if (error instanceof TrinoQueryError && !error.retryable) return null;
        throw error;
      }
    },
    async existing(entity, ids, { signal } = {}) {
      if (ids.length === 0) return new Set();
      const source = await silver.source();
      const id = source.text(entity.table, entity.idColumn);
      const sql = `SELECT ${id} AS id FROM ${source.table(entity.table)} WHERE ${id} IN ${literals(ids)}`;
      const rows = await trino.rows(sql, { columns: ['id'], signal });
      return new Set(rows.map(([found]) => found ?? ''));
    },
    profilesById: (ids, options) => byId(profile, ids, options),
    contentById: (ids, options) => byId(content, ids, options),

    async profileLists(limit, only, options = {}) {
      const source = await silver.source();
      const columns = ['scope', ...Object.keys(profile.columns)];
      const rows = await trino.rows(profileListsSql(source, limit, only), {
        columns,
        signal: options.signal,
      });
      return grouped(rows, (row) => profile.fromRow(row.slice(1)), options);
    },

    async ranking(kind, limit, only, options = {}) {
      const source = await silver.source();
      const rows = await trino.rows(rankingSql(source, kind, limit, only), {
        columns: ['scope', 'kol_id', 'score'],
        signal: options.signal,
      });
      return grouped(rows, ([, kolId, score]) => ({ kol_id: kolId ?? '', score: Number(score) }), options);
    },

    async trending(limit, now, only, options = {}) {
      const source = await silver.source();
      const rows = await trino.rows(trendingSql(source, limit, now, only), {
        columns: ['scope', 'content_id', 'heat'],
        signal: options.signal,
      });
      return grouped(
        rows,
        ([, contentId, heat]) => ({ content_id: contentId ?? '', heat: Number(heat) }),
        options,
      );
    },

    async platformStats(now, options = {}) {
      const source = await silver.source();
      const columns = [
        'scope',
        'kols',
        'content',
        'followers',
        'avg_followers',
        'posts',
        'avg_posts',
        'verified',
      ];
      return platformStatsOf(
        await trino.rows(platformStatsSql(source), { columns, signal: options.signal }),
        now,
      );
    },

    async dailyStats(from, to, options = {}) {
      const source = await silver.source();
      const columns = ['day', 'platform', 'content', 'views', 'likes', 'comments', 'shares'];
      return dayCountsOf(
        await trino.rows(dailyStatsSql(source, from, to), { columns, signal: options.signal }),
      );
    },

    async *searchTerms(limit, options = {}) {
      const source = await silver.source();
      for await (const page of trino.pages(searchTermsSql(source, limit), {
        columns: ['term'],
        signal: options.signal,
      }))
        yield page.map(([term]) => term ?? '').filter((term) => term !== '');
    },

    async trustFeatures(ids, options = {}) {
      if (ids.length === 0) return [];
      const source = await silver.source();
      const sql = `${trustFeaturesSql(source)} WHERE ${source.text('kol_trust_features', 'kol_id')} IN ${literals(ids)}`;
      const rows = await trino.rows(sql, { columns: trustFeatureColumns, signal: options.signal });
      return mapRows(rows, trustFeaturesFromRow, options);
    },
    async *allTrustFeatures(options = {}) {
      const sql = trustFeaturesSql(await silver.source());
      for await (const page of trino.pages(sql, { columns: trustFeatureColumns, signal: options.signal }))
        yield mapRows(page, trustFeaturesFromRow, options);
    },
  };
}

function platformStatsOf(rows: readonly Row[], now: Date): PlatformStats {
  const by_platform: Record<string, { kols: number; content: number }> = {};
  let totals: Row = [];
  for (const row of rows) {
    const [scope, kols, content] = row;
    if (scope === ALL) totals = row;
    else if (scope != null && isPlatform(scope))
      by_platform[scope] = { kols: Number(kols), content: Number(content) };
  }
  const total = (index: number) => Number(totals[index] ?? 0);
  return {
    total_kols: total(1),
    total_content: total(2),
    platforms_count: Object.keys(by_platform).length,
    total_followers: total(3),
    avg_followers: total(4),
    total_posts: total(5),
    avg_posts: total(6),
    verified_count: total(7),
    last_updated: now.toISOString(),
    by_platform,
  };
}

function dayCountsOf(rows: readonly Row[]): DayCounts[] {
  const days = new Map<string, Record<string, number>>();
  for (const [day, platform, items, ...sums] of rows) {
    if (day == null) continue;
    const counts = days.get(day) ?? { content: 0, views: 0, likes: 0, comments: 0, shares: 0 };
    days.set(day, counts);
    counts['content'] = (counts['content'] ?? 0) + Number(items);
    if (platform != null && isPlatform(platform)) counts[`content_${platform}`] = Number(items);
    ['views', 'likes', 'comments', 'shares'].forEach((name, index) => {
      counts[name] = (counts[name] ?? 0) + Number(sums[index]);
    });
  }
  return [...days].map(([day, counts]) => ({ day, counts }));
}

function mapRows<T>(rows: readonly Row[], map: (row: Row) => T, { onRejected }: ReadOptions): T[] {
  const values: T[] = [];
  for (const row of rows) {
    try {
      values.push(map(row));
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      onRejected?.(error.message);
    }
  }
  return values;
}

/** Rows `[scope, …]` into one list a scope; a platform whose name cannot stand in a key is left out and told. */
function grouped<T>(rows: readonly Row[], map: (row: Row) => T, options: ReadOptions): ByPlatform<T[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const scope = row[0] ?? '';
    if (!isPlatform(scope)) options.onRejected?.(`platform: ${JSON.stringify(scope)} is not a platform name`);
    else if (!groups.get(scope)?.push(row)) groups.set(scope, [row]);
  }
  return new Map([...groups].map(([scope, members]) => [scope, mapRows(members, map, options)]));
}
