import { CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { WarmActivities } from '../../activities/index.ts';
import type { ProfilePlan } from '../../activities/warming/warm-profiles.ts';
import type { WarmPartArgs } from '../../activities/warming/part-warm.ts';
import type { ProfileSplit } from '../../domain/warming/profile-splits.ts';
import { mergeReports, type PartReport, type WarmPart } from '../../domain/warming/warm-parts.ts';
import { warming } from '../activity-options.ts';

/** How far a warm is: rows that are read and written of those that there are; splits under way come on top. */
export interface WarmProgress {
  readonly rows: number;
  readonly total: number;
}

/** Warms one part now; `told` hears of progress where a part is made in several steps. */
export async function warmPart(
  part: WarmPart,
  args: WarmPartArgs,
  told: (progress: WarmProgress) => void = () => {},
): Promise<PartReport> {
  const activities = proxyActivities<WarmActivities>({ ...warming, summary: summaryOf(part, args) });
  switch (part) {
    case 'profiles':
      return args.scope?.ids === undefined ? warmProfiles(args, told) : activities.warmProfileIds(args);
    case 'rankings':
      return activities.warmRankings(args);
    case 'trending':
      return activities.warmTrending(args);
    case 'stats':
      return activities.warmStats(args);
    case 'search':
      return activities.warmSearch(args);
    case 'lists':
      return activities.warmLists(args);
  }
}

/** Plan → shares side by side (or the hot ones in one go) → judge, clean up, note. */
async function warmProfiles(
  args: WarmPartArgs,
  told: (progress: WarmProgress) => void,
  mayRepeat = true,
): Promise<PartReport> {
  const started = Date.now();
  const activities = (summary: string) => proxyActivities<WarmActivities>({ ...warming, summary });
  const plan = await activities('profiles: plan').planProfiles(args);
  const { readAt, room, splits, total } = plan;
  if (room === null && splits.length === 0) return plan.report;

  let rows = 0;
  const progress = (report: PartReport): PartReport => {
    rows += report.rowsRead;
    told({ rows, total });
    return report;
  };
  told({ rows, total });
  const reports =
    room === null
      ? await inParallel(splits, plan.parallelSplits, async (split, index) =>
          progress(
            await activities(`profiles: split ${index + 1} of ${splits.length}`).warmProfileSplit({
              ...args,
              split,
              readAt,
              parallelSplits: Math.min(plan.parallelSplits, splits.length),
            }),
          ),
        )
      : [progress(await activities('profiles: hot ones').warmHotProfiles({ ...args, readAt, room }))];
  const report = mergeReports('profiles', [plan.report, ...reports], Date.now() - started);
  // A share of the profiles tells nothing about the rest.
  if (args.dryRun || args.scope !== undefined) return report;
  const finished = await activities('profiles: finish').finishProfiles({
    ...args,
    plan: small(plan),
    report,
    mayRepeat,
  });
  if (finished.lost > 0 && mayRepeat) return warmProfiles({ ...args, force: true }, told, false);
  return mergeReports('profiles', [report, finished.report], Date.now() - started);
}

/** What the last step needs of the plan. */
const small = (plan: ProfilePlan): ProfilePlan => ({ ...plan, splits: [] });

/** At most `limit` at once, in order. The first failure cancels the others, and is told once all have ended. */
async function inParallel<T>(
  splits: readonly ProfileSplit[],
  limit: number,
  work: (split: ProfileSplit, index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  const scope = new CancellationScope();
  let next = 0;
  const lane = async () => {
    try {
      for (let index = next++; index < splits.length; index = next++) {
        const split = splits[index];
        if (split !== undefined) results[index] = await work(split, index);
      }
    } catch (error) {
      next = splits.length;
      scope.cancel();
      throw error;
    }
  };
  const lanes = await scope.run(() =>
    Promise.allSettled(Array.from({ length: Math.min(limit, splits.length) }, lane)),
  );
  const failures = lanes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  // Those that were cancelled for it tell less than the one that failed.
  if (failures.length > 0) throw failures.find((failure) => !isCancellation(failure)) ?? failures[0];
  return results;
}

function summaryOf(part: WarmPart, { scope }: WarmPartArgs): string {
  if (scope?.ids !== undefined) return `${part}: ${scope.ids.length} ids`;
  return scope?.platforms === undefined ? part : `${part} of ${scope.platforms.join(', ')}`;
}
