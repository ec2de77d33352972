import { content, type Content } from '../../domain/entities/content.ts';
import { FieldError, type Fields } from '../../domain/entities/field.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import type { Ranked, RankingKind } from '../../domain/entities/ranking.ts';
import type { Hot } from '../../domain/entities/trending.ts';
import type { PlatformStats } from '../../domain/entities/stats.ts';
import type { Row, TableEntity } from '../../domain/entities/table-entity.ts';
import { ALL, isPlatform } from '../../domain/platform.ts';
import {
  trustFeatureColumns,
  trustFeaturesFromRow,
  type TrustFeatures,
} from '../../domain/scoring/trust-features.ts';
import {
  allProfilesSql,
  dailyStatsSql,
  mostFollowedSql,
  platformStatsSql,
  profileListsSql,
  rankingSql,
  searchTermsSql,
  trendingSql,
} from './queries.ts';
import type { SilverCatalog } from './silver-source.ts';
import { literals } from './sql.ts';
import type { Trino } from './trino.ts';

/** How one read of the lakehouse is watched and ended. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
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

/** Which profiles to read: the most followed ones (overall, and of each platform), or every one. */
export type ProfileChoice = { readonly most: number; readonly perPlatform: number } | 'all';

/** Everything that the system asks of the Silver tables: all the SQL there is. */
export interface Lakehouse {
  profiles(choice: ProfileChoice, options?: ReadOptions): AsyncGenerator<Profile[]>;
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
  trending(limit: number, now: Date, only?: string, options?: ReadOptions): Promise<ByPlatform<Hot[]>>;
  contentById(ids: readonly string[], options?: ReadOptions): Promise<Content[]>;
  platformStats(now: Date, options?: ReadOptions): Promise<PlatformStats>;
  dailyStats(from: Date, to: Date, options?: ReadOptions): Promise<DayCounts[]>;
  searchTerms(limit: number, options?: ReadOptions): AsyncGenerator<string[]>;
  trustFeatures(ids: readonly string[], options?: ReadOptions): Promise<TrustFeatures[]>;
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

  return {
    async *profiles(choice, options = {}) {
      const source = await silver.source();
      const sql = choice === 'all' ? allProfilesSql(source) : mostFollowedSql(source, choice);
      const columns = Object.keys(profile.columns);
      for await (const page of trino.pages(sql, { columns, signal: options.signal }))
        yield mapRows(page, profile.fromRow, options);
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
      const select = trustFeatureColumns.map(
        (name) => `${source.text('kol_trust_features', name)} AS ${name}`,
      );
      const sql = `SELECT ${select.join(', ')} FROM ${source.table('kol_trust_features')}
                   WHERE ${source.text('kol_trust_features', 'kol_id')} IN ${literals(ids)}`;
      const rows = await trino.rows(sql, { columns: trustFeatureColumns, signal: options.signal });
      return mapRows(rows, trustFeaturesFromRow, options);
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
