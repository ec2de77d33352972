import { ActivityFailure, ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { WarmActivities } from '../../activities/index.ts';
import type { WarmPartArgs } from '../../activities/warming/part-warm.ts';
import type { ProfilePlan } from '../../activities/warming/plan-profiles.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import type { WarmProgress } from '../../contract/warm-cache.ts';
import { mergePartReports, type PartReport } from '../../domain/warming/part-report.ts';
import { warming } from '../activity-options.ts';
import { inParallel } from './in-parallel.ts';

const activities = (summary: string) => proxyActivities<WarmActivities>({ ...warming, summary });

/**
 * Warms the profiles: plan → splits in parallel (or the hot profiles in one activity) → finish.
 * It runs once more if Redis lost profiles that this warm wrote, and a few times if a load changed the table during the warm.
 * @throws SourceChanging when the table changes each time
 */
export async function warmProfiles(
  args: WarmPartArgs,
  onProgress: (progress: WarmProgress) => void,
  repeats = { afterLoss: 1, afterChange: 3 },
): Promise<PartReport> {
  const startedMs = Date.now();
  const plan = await activities('profiles: plan').planProfiles(args);
  if (plan.room === null && plan.splits.length === 0) return plan.report;

  const again = (left: Partial<typeof repeats>) =>
    warmProfiles({ ...args, force: true }, onProgress, { ...repeats, ...left });
  let reports: readonly PartReport[];
  try {
    reports = await readAndWrite(args, plan, onProgress);
  } catch (error) {
    if (!isSourceChanging(error) || repeats.afterChange === 0) throw error;
    return again({ afterChange: repeats.afterChange - 1 });
  }
  const report = mergePartReports('profiles', [plan.report, ...reports], Date.now() - startedMs);
  // nothing to finish: a dry run writes nothing, and a scoped warm does not read the other profiles
  if (args.dryRun || args.scope !== undefined) return report;

  const planWithoutSplits = { ...plan, splits: [] }; // keeps the payload small
  const finished = await activities('profiles: finish').finishProfiles({
    ...args,
    plan: planWithoutSplits,
    report,
    mayRepeat: repeats.afterLoss > 0,
    mayReadAgain: repeats.afterChange > 0,
  });
  if (finished.changed !== undefined) return again({ afterChange: repeats.afterChange - 1 });
  if (finished.lost > 0 && repeats.afterLoss > 0) return again({ afterLoss: repeats.afterLoss - 1 });
  return mergePartReports('profiles', [report, finished.report], Date.now() - startedMs);
}

/** Whether a version of the plan is gone, because a table was dropped and created again. */
const isSourceChanging = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof ApplicationFailure &&
  error.cause.type === failureTypes.sourceChanging;

async function readAndWrite(
  args: WarmPartArgs,
  { room, splits, parallelSplits, idsRepeat, writesPerSecond, readAt, versions, total }: ProfilePlan,
  onProgress: (progress: WarmProgress) => void,
): Promise<PartReport[]> {
  let rows = 0;
  onProgress({ rows, total });
  const counted = (report: PartReport): PartReport => {
    rows += report.rowsRead;
    onProgress({ rows, total });
    return report;
  };
  if (room !== null)
    return [
      counted(
        await activities('profiles: hot ones').warmHotProfiles({
          ...args,
          ...{ readAt, versions, room, writesPerSecond },
        }),
      ),
    ];
  const running = Math.min(parallelSplits, splits.length);
  return inParallel(splits, running, async (split, index) => {
    const summary = `profiles: split ${index + 1} of ${splits.length}`;
    const share = { split, idsRepeat, readAt, versions, writesPerSecond: writesPerSecond / running };
    return counted(await activities(summary).warmProfileSplit({ ...args, ...share }));
  });
}
