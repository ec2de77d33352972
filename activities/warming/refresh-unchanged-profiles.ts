import type { HotProfiles } from '../../cache/popularity/select-hot-profiles.ts';
import { readHotIds } from '../../cache/writing/hot-ids.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile } from '../../domain/entities/profile.ts';
import { renewalRate } from '../../domain/warming/write-rate.ts';
import type { PartWarm } from './part-warm.ts';
import { scanRows } from './scan-rows.ts';
import { prefetchPages } from './prefetch.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { renewProfilesAtRate, writeProfilesById } from './write-profiles.ts';

interface UnchangedProfiles {
  /** The warm that read them. */
  readonly last: PartMetadata;
  /** 'all' when every profile of the lakehouse is kept warm. */
  readonly hot: 'all' | (HotProfiles & { readonly room: number });
  readonly writesPerSecond: number;
  /** `cached_at` of the rows that this warm writes. */
  readonly readAt: string;
}

/**
 * Refreshes the TTLs of hot profiles that are cached, and reads only those that became hot since the last warm.
 * @returns false when profiles of the last warm are missing from Redis: then all must be read again
 */
export async function refreshUnchangedProfiles(
  warm: PartWarm,
  lakehouse: Lakehouse,
  { last, hot, writesPerSecond, readAt }: UnchangedProfiles,
): Promise<boolean> {
  const areAllHot = hot === 'all';
  const wantedIds = new Set(areAllHot ? [] : [...hot.mostRead, ...hot.refresh]);
  // Profiles that became hot take the room of some that the last warm chose. The latter are left to expire.
  const oldest = last.oldest_read_at ?? last.read_at;
  let room = areAllHot ? Infinity : hot.room - hot.mostRead.length;
  // A profile of the last warm that a reader has cached again since is one of it too.
  const isWarmed = areAllHot ? () => true : await readHotIds(warm.redis);
  const renewals = createRateLimiter(renewalRate(writesPerSecond, last.keys), warm.reading.signal);
  let fromLastWarm = 0;
  let renewed = 0;
  for await (const page of prefetchPages(scanRows(warm, profile, readAt))) {
    // A profile that a reader cached after the last warm was read from the same tables. An older one may be of another version, or its row
    // may have been rejected: it is left to expire, or read again below.
    const current = page.filter(({ cachedAt }) => cachedAt >= oldest);
    const warmedIds = new Set(
      current.filter(({ id, cachedAt }) => cachedAt === last.read_at || isWarmed(id)).map(({ id }) => id),
    );
    fromLastWarm += warmedIds.size;
    const due = current.filter(({ id }) => wantedIds.delete(id) || (warmedIds.has(id) && room-- > 0));
    await renewProfilesAtRate(
      warm,
      due.map(({ id }) => id),
      renewals,
    );
    renewed += due.length;
  }
  if (fromLastWarm < last.keys) return false;
  warm.counts.renewed = renewed;
  warm.skipUnchanged(last, renewed);
  // What is left are profiles that are read often, and not cached from these tables.
  const rate = createRateLimiter(writesPerSecond, warm.reading.signal);
  await writeProfilesById(warm, lakehouse, [...wantedIds], { readAt, rate });
  if (!warm.args.dryRun) warm.counts.cached = warm.counts.renewed + warm.counts.keys;
  return true;
}
