import { profile } from '../../domain/entities/profile.ts';
import type { PartWarm } from './part-warm.ts';
import { scanRows } from './scan-rows.ts';
import { prefetchPages } from './prefetch.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { renewProfilesAtRate } from './write-profiles.ts';

/** Read times, in the format of `cached_at`. */
interface ReadTimes {
  /** `cached_at` of the oldest rows that belong to the last warm. */
  readonly oldest: string;
  /** The last warm. */
  readonly last: string;
  /** The current warm, which has written its rows. */
  readonly now: string;
}

/** Cached profiles that the current warm did not write. */
interface OtherProfiles {
  /** Profiles that were cached by the last warm, this one or a reader since. */
  readonly cached: number;
  /** Ids that the lakehouse does not have. */
  readonly gone: readonly string[];
  /** Ids that a reader or a failed warm has cached since the last warm. Their version is unknown. */
  readonly filled: readonly string[];
}

/**
 * Renews the TTLs of all profiles that are cached from the last warm. A dry run only counts them.
 * @param ids all ids of the lakehouse; null when no profile of the last warm is gone
 */
export async function renewProfiles(
  warm: PartWarm,
  { oldest, last, now }: ReadTimes,
  ids: ReadonlySet<string> | null,
  rate: RateLimiter,
): Promise<OtherProfiles> {
  const gone: string[] = [];
  const filled: string[] = [];
  let cached = 0;
  for await (const page of prefetchPages(scanRows(warm, profile, now))) {
    const due: string[] = [];
    for (const { id, cachedAt } of page) {
      if (cachedAt < oldest) continue;
      cached += 1;
      if (cachedAt >= now) continue;
      if (ids?.has(id) === false) gone.push(id);
      else if (cachedAt > last) filled.push(id);
      else due.push(id);
    }
    await renewProfilesAtRate(warm, due, rate);
    warm.counts.renewed += due.length;
  }
  return { cached, gone, filled };
}
