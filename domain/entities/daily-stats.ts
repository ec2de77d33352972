import type { CacheEntry } from '../schema/entry.ts';

/** stats:daily:{yyyy-mm-dd}: counts of that day. */
export const dailyStats = {
  name: 'daily-stats',
  ttlSeconds: 86_400,
  key: (day: string) => `stats:daily:${day}`,
  toEntry: (day: string, counts: Readonly<Record<string, string | number>>): CacheEntry => ({
    key: dailyStats.key(day),
    ttlSeconds: dailyStats.ttlSeconds,
    type: 'hash',
    fields: Object.fromEntries(
      Object.entries({ date: day, ...counts }).map(([name, value]) => [name, String(value)]),
    ),
  }),
};
