import { profile } from '../../domain/entities/profile.ts';
import { createNewestRows } from '../../domain/schema/newest-rows.ts';
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
  /** The versions of the plan. */
  readonly versions: TableVersions;
  readonly readAt: string;
  /** Profiles that this split writes in a second; 0 for no limit. */
  readonly writesPerSecond: number;
}

/**
 * Reads and writes one split of all profiles. A retry reads the split again: that takes seconds, and a read that could be resumed would
 * make Trino sort all rows before the first one arrives. It does not write again what an earlier attempt has written.
 */
export function createWarmProfileSplit(deps: PartWarmDeps) {
  const { lakehouse } = deps;

  return function warmProfileSplit(args: WarmProfileSplitArgs): Promise<PartReport> {
    const warm = new PartWarm(deps, 'profiles', args);
    const work = async () => {
      const rate = createRateLimiter(args.writesPerSecond, warm.reading.signal);
      const pages = lakehouse.profileSplit(args.split, args.scope?.platforms, warm.readingAt(args.versions));
      // All rows of an id are in the same split.
      const newestOf = createNewestRows(profile.idOf);
      for await (const page of prefetchPages(pages)) {
        const { rows, replacing } = newestOf(page);
        await writeProfilesAtRate(warm, rows, args.readAt, rate);
        warm.counts.rowsRead += page.length - rows.length;
        warm.counts.keys -= replacing;
      }
      // Without a scope the end of the warm counts what is cached.
      if (args.scope !== undefined && !args.dryRun)
        warm.counts.cached = warm.counts.keys + warm.counts.renewed;
      return warm.report();
    };
    return warm.run(() => readPlannedVersion(work));
  };
}
