import { inChunks } from '../../domain/values/chunks.ts';
import type { ProfileSplit } from '../../domain/warming/profile-splits.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { PartWarm, type PartWarmDeps, type WarmPartArgs } from './part-warm.ts';
import { prefetchPages } from './prefetch.ts';
import type { ProfileOptions } from './profile-options.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { PROFILE_CHUNK, writeProfiles } from './write-profiles.ts';

export interface WarmProfileSplitArgs extends WarmPartArgs {
  readonly split: ProfileSplit;
  readonly readAt: string;
  /** Splits that run at the same time, this one included. They share the write rate. */
  readonly parallelSplits: number;
}

/**
 * Reads and writes one split of all profiles. A retry reads the split again: that takes seconds, and a read that could be resumed would
 * make Trino sort all rows before the first one arrives. It does not write again what an earlier attempt has written.
 */
export function createWarmProfileSplit(
  deps: PartWarmDeps & { readonly profiles: Pick<ProfileOptions, 'writesPerSecond'> },
) {
  const { lakehouse } = deps;
  const { writesPerSecond } = deps.profiles;

  return function warmProfileSplit(args: WarmProfileSplitArgs): Promise<PartReport> {
    const warm = new PartWarm(deps, 'profiles', args);
    return warm.run(async () => {
      const perSecond = writesPerSecond / args.parallelSplits;
      const limitRate = createRateLimiter(perSecond, warm.reading.signal);
      const pages = lakehouse.profileSplit(args.split, args.scope?.platforms, warm.reading);
      for await (const page of prefetchPages(pages))
        for (const chunk of inChunks(page, chunkSizeOf(perSecond)))
          await limitRate(await writeProfiles(warm, chunk, args.readAt));
      return warm.report();
    });
  };
}

/** Profiles in one write: at a limited rate at most those of one second. */
const chunkSizeOf = (perSecond: number): number =>
  perSecond === 0 ? PROFILE_CHUNK : Math.min(PROFILE_CHUNK, Math.max(1, Math.floor(perSecond)));
