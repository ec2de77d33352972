import type { CacheEntry } from '../schema/entry.ts';
import { decimal } from '../schema/field.ts';

/** The counts of one day. */
export interface DailyStats {
  /** yyyy-mm-dd, UTC. */
  readonly date: string;
  /** When they were read from the lakehouse, ISO 8601. */
  readonly last_updated: string;
  /** content, views, likes, comments, shares, and content_{platform}. */
  readonly counts: Readonly<Record<string, number>>;
}

/** The counts that every day has. */
export const dailyCounts = ['content', 'views', 'likes', 'comments', 'shares'] as const;

/** stats:daily:{yyyy-mm-dd}: counts of that day. */
export const dailyStats = {
  name: 'daily-stats',
  ttlSeconds: 86_400,
  key: (day: string) => `stats:daily:${day}`,
  requiredFields: ['date', ...dailyCounts, 'last_updated'],
  timeField: 'last_updated',
  toEntry: (day: string, counts: Readonly<Record<string, string | number>>): CacheEntry => ({
    key: dailyStats.key(day),
    ttlSeconds: dailyStats.ttlSeconds,
    type: 'hash',
    fields: Object.fromEntries(
      Object.entries({ date: day, ...counts }).map(([name, value]) => [name, String(value)]),
    ),
  }),
  /** @throws FieldError when a count is not a number */
  fromHash: ({ date = '', last_updated = '', ...counts }: Readonly<Record<string, string>>): DailyStats => ({
    date,
    last_updated,
    counts: Object.fromEntries(
      Object.entries(counts).map(([name, value]) => [name, decimal.parse(value) ?? 0]),
    ),
  }),
};
