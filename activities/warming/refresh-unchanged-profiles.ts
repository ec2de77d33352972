import type { HotProfiles } from '../../cache/popularity/select-hot-profiles.ts';
import { scanEntities } from '../../cache/redis/scan-entities.ts';
import { refreshTtls } from '../../cache/writing/refresh-ttl.ts';
import { cachedAtOf, readRedisTime } from '../../clients/redis.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile } from '../../domain/entities/profile.ts';
import type { PartWarm } from './part-warm.ts';
import { prefetchPages } from './prefetch.ts';
import { writeProfilesById } from './write-profiles.ts';

/**
 * Refreshes the TTLs of hot profiles that are cached, and reads only those that became hot since the last warm.
 * @param hot 'all' when every profile of the lakehouse is kept warm
 * @returns false when profiles of the last warm are missing from Redis: then all must be read again
 */
export async function refreshUnchangedProfiles(
  warm: PartWarm,
  lakehouse: Lakehouse,
  last: PartMetadata,
  hot: 'all' | (HotProfiles & { readonly room: number }),
): Promise<boolean> {
  const areAllHot = hot === 'all';
  const wantedIds = new Set(areAllHot ? [] : [...hot.mostRead, ...hot.refresh]);
  // Profiles that became hot take the room of some that the last warm chose. The latter are left to expire.
  const oldest = last.oldest_read_at ?? last.read_at;
  let room = areAllHot ? Infinity : hot.room - hot.mostRead.length;
  let fromLastWarm = 0;
  let renewed = 0;
  for await (const page of prefetchPages(scanEntities(warm.redis, profile))) {
    // When all are hot, a profile that a reader cached after the last warm counts too: it was read from the same tables.
    const warmed = page.filter(({ cachedAt }) =>
      areAllHot ? cachedAt >= oldest : cachedAt === last.read_at,
    );
    fromLastWarm += warmed.length;
    const warmedIds = new Set(warmed.map(({ id }) => id));
    const due = page.filter(({ id }) => wantedIds.delete(id) || (warmedIds.has(id) && room-- > 0));
    if (!warm.args.dryRun)
      await refreshTtls(
        warm.redis,
        due.map(({ id }) => ({ key: profile.key(id), ttlSeconds: profile.ttlSeconds })),
      );
    renewed += due.length;
  }
  if (fromLastWarm < last.keys) return false;
  warm.counts.renewed = renewed;
  warm.skipUnchanged(last, renewed);
  // What is left are profiles that are read often and not cached.
  const readAt = cachedAtOf(await readRedisTime(warm.redis));
  await writeProfilesById(warm, lakehouse, [...wantedIds], { readAt });
  if (!warm.args.dryRun) warm.counts.cached = warm.counts.renewed + warm.counts.keys;
  return true;
}
