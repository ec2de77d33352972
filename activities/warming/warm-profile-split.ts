import type { ProfileSplit } from '../../domain/warming/profile-splits.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import { PartWarm, type PartWarmDeps, type WarmPartArgs } from './part-warm.ts';
import { prefetchPages } from './prefetch.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { readPlannedVersion } from './read-one-version.ts';
import { writeProfilesAtRate } from './write-profiles.ts';

export interface WarmProfileSplitArgs extends WarmPartArgs {
  readonly split: ProfileSplit;
  readonly idsRepeat: boolean;
  /** The versions of the plan. */
  readonly versions: TableVersions;
  readonly readAt: string;
  /** Profiles that this split writes in a second; 0 for no limit. */
  readonly writesPerSecond: number;
}

/**
 * Reads and writes one split of all profiles. A retry reads the whole split again, which takes seconds: to resume in the middle, Trino
 * would have to sort all rows first. Rows that an earlier attempt has written are not written again.
 */
export function createWarmProfileSplit(deps: PartWarmDeps) {
  const { lakehouse } = deps;

  return function warmProfileSplit(args: WarmProfileSplitArgs): Promise<PartReport> {
    const warm = new PartWarm(deps, 'profiles', args);
    const work = async () => {
      const rate = createRateLimiter(args.writesPerSecond, warm.reading.signal);
      const split = { ...args.split, idsRepeat: args.idsRepeat, platforms: args.scope?.platforms };
      const pages = lakehouse.profileSplit(split, warm.readingAt(args.versions));
      for await (const page of prefetchPages(pages)) await writeProfilesAtRate(warm, page, args.readAt, rate);
      // without a scope, `finishProfiles` counts the cached keys
      if (args.scope !== undefined && !args.dryRun)
        warm.counts.cached = warm.counts.keys + warm.counts.renewed;
      return warm.report();
    };
    return warm.run(() => readPlannedVersion(work));
  };
}
