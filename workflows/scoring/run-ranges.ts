import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  proxyActivities,
} from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
import type { BatchPlan, PlanBatchArgs } from '../../activities/scoring/plan-batch.ts';
import type { RangeAnswer } from '../../activities/scoring/score-range.ts';
import { STALE_PLAN } from '../../domain/scoring/plan-ranges.ts';
import type { RangeReport } from '../../domain/scoring/range-report.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import { scoring, scoringThenPlanning } from '../activity-options.ts';
import { ignoreCancellation } from './ignore-cancellation.ts';

const { scoreRange } = proxyActivities<ScoringActivities>(scoring);

/** The ranges of a batch at work. */
export interface RunningBatch {
  /** What became of each; null: Kafka no longer agrees with the plan, or the batch was ended. */
  readonly reports: Promise<(RangeReport | null)[]>;
  /** The next batch, where a range was asked for it and could plan it. */
  readonly next: Promise<BatchPlan | undefined>;
  /** Cancelled to end that range's waiting. */
  readonly staying: CancellationScope;
  /** Cancelled to end the batch before it is done: no range is lost, what it had not committed is not done. */
  readonly all: CancellationScope;
}

/**
 * The ranges of a batch side by side, on whatever worker is free.
 * @param next asks the last of them for the next batch; while it waits for that, a sibling tells its report
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
    if (next === undefined || index < ranges.length - 1) return orNothing(all.run(() => scoreRange(args)));
    const waitMs = Math.max(0, next.notBeforeMs - plannedAtMs) + next.maxWaitMs;
    const { scoreRange: scoreThenPlan } = proxyActivities<ScoringActivities>(scoringThenPlanning(waitMs));
    return orNothing(staying.run(() => scoreThenPlan({ ...args, next: { ...next, after } })));
  });
  const planned = (answers.at(-1) ?? Promise.resolve(null)).then((answer) => answer?.next);
  planned.catch(() => {}); // told to whoever awaits it
  return { reports: reportsOf(answers), next: planned, staying, all };
}

/** The reports of all ranges; that of the last one may come from a sibling first. */
async function reportsOf(answers: readonly Promise<RangeAnswer | null>[]): Promise<(RangeReport | null)[]> {
  const others = await Promise.all(answers.slice(0, -1));
  const forStaying = others.find((answer) => answer?.forStaying !== undefined)?.forStaying;
  return [...others, forStaying ?? (await answers.at(-1)) ?? null];
}

/** A plan that Kafka no longer agrees with is no failure, nor is a range that was ended: the next plan looks again. */
async function orNothing(answer: Promise<RangeAnswer>): Promise<RangeAnswer | null> {
  try {
    return (await ignoreCancellation(answer)) ?? null;
  } catch (error) {
    if (
      error instanceof ActivityFailure &&
      error.cause instanceof ApplicationFailure &&
      error.cause.type === STALE_PLAN
    )
      return null;
    throw error;
  }
}
