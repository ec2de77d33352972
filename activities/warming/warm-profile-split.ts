import { Context } from '@temporalio/activity';
import { inChunks } from '../../domain/values/chunks.ts';
import type { ProfileSplit } from '../../domain/warming/profile-splits.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import { PartWarm, type PartWarmDeps, type WarmCounts, type WarmPartArgs } from './part-warm.ts';
import { prefetchPages } from './prefetch.ts';
import type { ProfileOptions } from './profile-options.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { PROFILE_CHUNK, writeProfiles } from './write-profiles.ts';

export interface WarmProfileSplitArgs extends WarmPartArgs {
  readonly split: ProfileSplit;
  /** The versions of the plan. */
  readonly versions: TableVersions;
  readonly readAt: string;
  /** Splits that run at the same time, this one included. They share the write rate. */
  readonly parallelSplits: number;
}

/** Heartbeat details: where a retry of the activity continues. */
interface SplitProgress {
  /** Last id that was written; null before the first. */
  readonly after: string | null;
  readonly counts?: WarmCounts;
}

/** Reads and writes one split of all profiles, by ascending id. A retry continues after the id of the last heartbeat. */
export function createWarmProfileSplit(
  deps: PartWarmDeps & { readonly profiles: Pick<ProfileOptions, 'writesPerSecond'> },
) {
  const { lakehouse } = deps;
  const { writesPerSecond } = deps.profiles;

  return function warmProfileSplit(args: WarmProfileSplitArgs): Promise<PartReport> {
    const start = (Context.current().info.heartbeatDetails ?? { after: null }) as SplitProgress;
    const warm = new PartWarm(deps, 'profiles', args, start.counts);
    let progress: SplitProgress = { after: start.after, counts: { ...warm.counts } };
    return warm.run(
      async () => {
        const perSecond = writesPerSecond / args.parallelSplits;
        const limitRate = createRateLimiter(perSecond, warm.reading.signal);
        const reading = warm.readingAt(args.versions);
        const range = { after: start.after, platforms: args.scope?.platforms };
        for await (const page of prefetchPages(lakehouse.profileSplit(args.split, range, reading)))
          for (const chunk of inChunks(page, chunkSizeOf(perSecond))) {
            await writeProfiles(warm, chunk, args.readAt);
            // Only what is written completely: a retry must not skip or count the rest.
            progress = { after: chunk.at(-1)?.kol_id ?? progress.after, counts: { ...warm.counts } };
            await limitRate(chunk.length);
          }
        return warm.report();
      },
      () => progress,
    );
  };
}

/** Profiles in one write: at a limited rate at most those of one second. */
const chunkSizeOf = (perSecond: number): number =>
  perSecond === 0 ? PROFILE_CHUNK : Math.min(PROFILE_CHUNK, Math.max(1, Math.floor(perSecond)));
