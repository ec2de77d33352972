import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  proxyActivities,
} from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
import type { BatchPlan, PlanBatchArgs } from '../../activities/scoring/plan-batch.ts';
import type { RangeAnswer } from '../../activities/scoring/score-range.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import type { RangeReport } from '../../domain/scoring/range-report.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import { scoring, scoringThenPlanning } from '../activity-options.ts';
import { ignoreCancellation } from './ignore-cancellation.ts';

const { scoreRange } = proxyActivities<ScoringActivities>(scoring);

/** A batch whose ranges run. */
export interface RunningBatch {
  /** The report of each range; null when its plan was stale or the batch was cancelled. */
  readonly reports: Promise<(RangeReport | null)[]>;
  /** The next batch, when a range was asked to plan it and could. */
  readonly next: Promise<BatchPlan | undefined>;
  /** Cancel it to end the wait of the range that plans. */
  readonly staying: CancellationScope;
  /** Cancel it to end the batch early. Offsets that were not committed stay unprocessed. */
  readonly all: CancellationScope;
}

/**
 * Runs the ranges of a batch in parallel, on any free worker.
 * @param next asks the last range to plan the next batch; while that range waits, a sibling carries its report
 */
export function runRanges(
  { ranges, watermarkMs, plannedAtMs }: BatchPlan,
  loop: { readonly topic: string; readonly kind: EventKind; readonly group: string },
  next: PlanBatchArgs | undefined,
): RunningBatch {
  const all = new CancellationScope();
  const staying = new CancellationScope({ cancellable: true, parent: all });
  const after = ranges.map(({ partition, to }) => ({ partition, to }));
  const answers = ranges.map((range, index) => {
    const args = { ...loop, ...range, watermarkMs, plannedAtMs };
    if (next === undefined || index < ranges.length - 1) return orNull(all.run(() => scoreRange(args)));
    const waitMs = Math.max(0, next.notBeforeMs - plannedAtMs) + next.maxWaitMs;
    const { scoreRange: scoreThenPlan } = proxyActivities<ScoringActivities>(scoringThenPlanning(waitMs));
    return orNull(staying.run(() => scoreThenPlan({ ...args, next: { ...next, after } })));
  });
  const planned = (answers.at(-1) ?? Promise.resolve(null)).then((answer) => answer?.next);
  planned.catch(() => {}); // the loop awaits it and handles the error
  return { reports: reportsOf(answers), next: planned, staying, all };
}

/** The reports of all ranges. A sibling may carry the report of the last one. */
async function reportsOf(answers: readonly Promise<RangeAnswer | null>[]): Promise<(RangeReport | null)[]> {
  const others = await Promise.all(answers.slice(0, -1));
  const forStaying = others.find((answer) => answer?.forStaying !== undefined)?.forStaying;
  return [...others, forStaying ?? (await answers.at(-1)) ?? null];
}

/** A stale plan and a cancelled range are no failures: the next plan reads the offsets again. */
async function orNull(answer: Promise<RangeAnswer>): Promise<RangeAnswer | null> {
  try {
    return (await ignoreCancellation(answer)) ?? null;
  } catch (error) {
    if (
      error instanceof ActivityFailure &&
      error.cause instanceof ApplicationFailure &&
      error.cause.type === failureTypes.stalePlan
    )
      return null;
    throw error;
  }
}
