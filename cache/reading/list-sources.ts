import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { ReadOptions } from '../../clients/lakehouse/read-options.ts';
import type { Content } from '../../domain/entities/content.ts';
import { dailyStats, type DailyStats } from '../../domain/entities/daily-stats.ts';
import { kolContent, KOL_CONTENT_LIMIT } from '../../domain/entities/kol-content.ts';
import { profileList } from '../../domain/entities/profile-list.ts';
import type { Profile } from '../../domain/entities/profile.ts';
import { createBatchLoader } from './batch-loader.ts';
import { fillSet } from './fill-entry.ts';
import type { EntitySource } from './read-through.ts';
import { hashCodec, stringCodec } from './redis-codec.ts';

/** The profiles of a platform (or all), most followers first; null when the lakehouse has no rows. */
export const profileListSource = (
  lakehouse: Lakehouse,
  listSize: number,
  options: ReadOptions,
): EntitySource<string, readonly Profile[]> => ({
  name: profileList.name,
  ttlSeconds: profileList.ttlSeconds,
  key: profileList.key,
  codec: stringCodec(profileList.fromString, 'fence'),
  load: async (platform, signal) =>
    (await lakehouse.profileLists(listSize, platform, { ...options, signal })).get(platform) ?? null,
  toEntry: profileList.toEntry,
  fill: fillSet,
});

/** The newest content of a KOL, newest first; null for a KOL without content. Concurrent misses share a query. */
export function kolContentSource(
  lakehouse: Lakehouse,
  options: ReadOptions,
): EntitySource<string, readonly Content[]> {
  const load = createBatchLoader(
    (kolIds, signal) => lakehouse.contentOfKols(kolIds, KOL_CONTENT_LIMIT, { ...options, signal }),
    ({ kol_id }) => kol_id,
  );
  return {
    name: kolContent.name,
    ttlSeconds: kolContent.ttlSeconds,
    key: kolContent.key,
    codec: stringCodec(kolContent.fromString, 'fence'),
    load: async (kolId, signal) => (await load(kolId, signal))?.items ?? null,
    toEntry: kolContent.toEntry,
    fill: fillSet,
  };
}

const DAY_MS = 86_400_000;

/** The counts of one day; null for a day without content. Concurrent misses share a query. */
export function dailyStatsSource(
  lakehouse: Lakehouse,
  now: () => Date,
  options: ReadOptions,
): EntitySource<string, DailyStats> {
  const load = createBatchLoader(
    async (dates, signal): Promise<DailyStats[]> => {
      const at = now();
      const [first, last] = [Math.min(...dates.map(Date.parse)), Math.max(...dates.map(Date.parse))];
      const to = new Date(Math.min(last + DAY_MS - 1, at.getTime()));
      const days = await lakehouse.dailyStats(new Date(first), to, { ...options, signal });
      return days.map(({ day, counts }) => ({ date: day, last_updated: at.toISOString(), counts }));
    },
    ({ date }) => date,
  );
  return {
    name: dailyStats.name,
    ttlSeconds: dailyStats.ttlSeconds,
    key: dailyStats.key,
    codec: hashCodec(dailyStats),
    load,
    toEntry: (date, { counts, last_updated }) => dailyStats.toEntry(date, { ...counts, last_updated }),
    fill: fillSet,
  };
}
