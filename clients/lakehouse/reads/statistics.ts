import type { PlatformStats } from '../../../domain/entities/platform-stats.ts';
import type { Row } from '../../../domain/schema/table-entity.ts';
import { ALL, isPlatform } from '../../../domain/values/text-ids.ts';
import { dailyStatsSql, platformStatsSql } from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverReader } from '../silver-catalog.ts';

/** Content counts of one day, for stats:daily. */
interface DayCounts {
  /** yyyy-mm-dd, UTC. */
  readonly day: string;
  readonly counts: Readonly<Record<string, number>>;
}

export interface StatisticsReads {
  /** @param now becomes `last_updated` */
  platformStats(now: Date, options?: ReadOptions): Promise<PlatformStats>;
  /** Counts of each day on which content was posted between two times, by ascending day. */
  dailyStats(from: Date, to: Date, options?: ReadOptions): Promise<DayCounts[]>;
}

const PLATFORM_STATS_COLUMNS = [
  'scope',
  'kols',
  'content',
  'followers',
  'avg_followers',
  'posts',
  'avg_posts',
  'verified',
];
const SUMMED_COUNTS = ['views', 'likes', 'comments', 'shares'];

export function createStatisticsReads(silver: SilverReader): StatisticsReads {
  return {
    async platformStats(now, options = {}) {
      const tables = ['kol_profiles', 'kol_content'] as const;
      const query = { tables, counted: tables, columns: PLATFORM_STATS_COLUMNS, sql: platformStatsSql };
      return toPlatformStats(await silver.rows(query, options), now);
    },
    async dailyStats(from, to, options = {}) {
      const rows = await silver.rows(
        {
          tables: ['kol_content'],
          counted: ['kol_content'],
          columns: ['day', 'platform', 'content', ...SUMMED_COUNTS],
          sql: (source) => dailyStatsSql(source, from, to),
        },
        options,
      );
      return toDayCounts(rows);
    },
  };
}

/** The row of scope `all` has the totals, the others the counts of one platform. */
function toPlatformStats(rows: readonly Row[], now: Date): PlatformStats {
  const by_platform: Record<string, { kols: number; content: number }> = {};
  let totals: Row = [];
  for (const row of rows) {
    const [scope, kols, content] = row;
    if (scope === ALL) totals = row;
    else if (scope != null && isPlatform(scope))
      by_platform[scope] = { kols: Number(kols), content: Number(content) };
  }
  const total = (column: string) => Number(totals[PLATFORM_STATS_COLUMNS.indexOf(column)] ?? 0);
  return {
    total_kols: total('kols'),
    total_content: total('content'),
    platforms_count: Object.keys(by_platform).length,
    total_followers: total('followers'),
    avg_followers: total('avg_followers'),
    total_posts: total('posts'),
    avg_posts: total('avg_posts'),
    verified_count: total('verified'),
    last_updated: now.toISOString(),
    by_platform,
  };
}

/** Adds up the rows of a day. Each row has the counts of one platform. */
function toDayCounts(rows: readonly Row[]): DayCounts[] {
  const days = new Map<string, Record<string, number>>();
  for (const [day, platform, items, ...sums] of rows) {
    if (day == null) continue;
    const counts = days.get(day) ?? { content: 0, views: 0, likes: 0, comments: 0, shares: 0 };
    days.set(day, counts);
    counts['content'] = (counts['content'] ?? 0) + Number(items);
    if (platform != null && isPlatform(platform)) counts[`content_${platform}`] = Number(items);
    SUMMED_COUNTS.forEach((name, index) => {
      counts[name] = (counts[name] ?? 0) + Number(sums[index]);
    });
  }
  return [...days].map(([day, counts]) => ({ day, counts }));
}
