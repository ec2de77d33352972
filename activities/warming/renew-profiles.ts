import { profile } from '../../domain/entities/profile.ts';
import type { PartWarm } from './part-warm.ts';
import { scanRows } from './scan-rows.ts';
import { prefetchPages } from './prefetch.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { renewProfilesAtRate } from './write-profiles.ts';

/** Times of reads, as `cached_at`. */
interface ReadTimes {
  /** The oldest rows that belong to the last warm. */
  readonly oldest: string;
  /** The last warm. */
  readonly last: string;
  /** The warm that runs, which has written its rows. */
  readonly now: string;
}

/** What is cached beside the rows that the warm wrote. */
interface OtherProfiles {
  /** Profiles that were cached by the last warm, this one or a reader since. */
  readonly cached: number;
  /** Ids that the lakehouse does not have. */
  readonly gone: readonly string[];
  /** Ids that a reader, or a warm that failed, has cached since the last warm. Nobody knows of which version. */
  readonly filled: readonly string[];
}

/**
 * Renews the TTLs of all profiles that are cached from the last warm. A dry run only counts them.
 * @param ids those of the lakehouse; null when none of the last warm's are gone
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
