import type { HotProfiles } from '../../cache/popularity/select-hot-profiles.ts';
import { readHotIds, writeHotIds } from '../../cache/writing/hot-ids.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile } from '../../domain/entities/profile.ts';
import { mutableTables, type TableVersions } from '../../domain/warming/table-version.ts';
import { deleteRemovedIds } from './delete-removed-rows.ts';
import type { PartWarm } from './part-warm.ts';
import { scanRows } from './scan-rows.ts';
import { prefetchPages } from './prefetch.ts';
import { createRateLimiter, createRenewalLimiter } from './rate-limiter.ts';
import { MAX_FILLED, renewProfilesAtRate, writeProfilesById } from './write-profiles.ts';

interface UnchangedProfiles {
  /** The warm that read them. */
  readonly last: PartMetadata;
  /** The current versions, equal to those of the last warm. */
  readonly versions: TableVersions;
  /** 'all' when every profile of the lakehouse is kept warm. */
  readonly hot: 'all' | (HotProfiles & { readonly room: number });
  readonly writesPerSecond: number;
  /** `cached_at` of the rows that this warm writes. */
  readonly readAt: string;
}

/**
 * Refreshes the TTLs of cached hot profiles, and reads only those that became hot since the last warm. A file table can return to an
 * earlier version: a file was added and removed again. A profile that was cached after the last warm may be a row of that file, so it is
 * read too.
 * @returns false when all profiles must be read again: some of the last warm are missing from Redis, or too many were cached since
 * @throws TableChangedError when files change meanwhile, before a profile is removed because of them
 */
export async function refreshUnchangedProfiles(
  warm: PartWarm,
  lakehouse: Lakehouse,
  { last, versions, hot, writesPerSecond, readAt }: UnchangedProfiles,
): Promise<boolean> {
  const areAllHot = hot === 'all';
  const wantedIds = new Set(areAllHot ? [] : [...hot.mostRead, ...hot.refresh]);
  // Profiles that became hot replace some that the last warm chose. The replaced ones expire.
  const oldest = last.oldest_read_at ?? last.read_at;
  // A snapshot that becomes current again is a new version. So values cached since the last warm belong to this version.
  const areFiles = mutableTables(versions).length > 0;
  let room = areAllHot ? Infinity : hot.room - hot.mostRead.length;
  // A profile that the last warm chose counts even if a reader has cached it again since. A profile that it replaced does not count:
  // otherwise it would hide that another one is missing.
  const isWarmed = areAllHot ? () => true : await readHotIds(warm.redis);
  const renewals = createRenewalLimiter(writesPerSecond, last.keys, warm.reading.signal);
  const filled = new Set<string>();
  /** Hot profiles that this warm keeps. */
  const kept = new Set<string>();
  let fromLastWarm = 0;
  let renewed = 0;
  for await (const page of prefetchPages(scanRows(warm, profile, readAt))) {
    // An older profile may be of another version, or its row may have been rejected. It expires, or is read again below.
    const current = page.filter(({ cachedAt }) => cachedAt >= oldest);
    const warmedIds = new Set(current.filter(({ id }) => isWarmed(id)).map(({ id }) => id));
    fromLastWarm += warmedIds.size;
    const due = current.filter(({ id }) => wantedIds.delete(id) || (warmedIds.has(id) && room-- > 0));
    const doubtful = areFiles ? due.filter(({ cachedAt }) => cachedAt > last.read_at) : [];
    for (const { id } of doubtful) filled.add(id);
    const trusted = due.filter(({ id }) => !filled.has(id) && !kept.has(id)).map(({ id }) => id);
    await renewProfilesAtRate(warm, trusted, renewals);
    renewed += trusted.length;
    if (!areAllHot) for (const id of trusted) kept.add(id);
  }
  if (fromLastWarm < last.keys || filled.size > MAX_FILLED) return false;
  warm.counts.renewed = renewed;
  const rate = createRateLimiter(writesPerSecond, warm.reading.signal);
  // The rest of `wantedIds` are read often and not cached from these versions.
  await writeProfilesById(warm, lakehouse, [...filled, ...wantedIds], { readAt, versions, rate });
  const removedBefore = warm.counts.removed;
  await deleteRemovedIds(warm, lakehouse, profile, { ids: [...filled], versions });
  const removed = warm.counts.removed - removedBefore;
  if (fromLastWarm - removed < last.keys) {
    warm.forgetRead();
    return false;
  }
  warm.skipUnchanged(last, warm.counts.renewed);
  if (warm.args.dryRun) return true;
  warm.counts.cached = warm.counts.renewed + warm.counts.keys;
  // The next warm, also one whose read is refused, must expect the new hot profiles and not the replaced ones.
  if (!areAllHot) await writeHotIds(warm.redis, [...kept, ...filled, ...wantedIds]);
  return true;
}
