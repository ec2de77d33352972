import { setTimeout as sleep } from 'node:timers/promises';
import { CompleteAsyncError, Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { RangeReport } from '../../domain/scoring/range-report.ts';
import { createCompletionBarrier } from './completion-barrier.ts';
import type { ScoringActivities } from '../index.ts';
import type { BatchPlan, PlanBatchArgs } from './plan-batch.ts';
import type { RangeAnswer } from './score-range.ts';

/**
 * Longest delay of the reports by an immediate plan of the next batch, and longest wait until Temporal accepts a report. A report
 * that it does not accept is left to the worker, which retries it. Together with the wait for siblings (5 s) this ends before the
 * heartbeat timeout (10 s).
 */
const PLAN_NOW_MS = 1000;
const REPORT_MS = 2000;

/** A range that is done, before its report reaches the loop. */
interface DoneRange {
  readonly report: RangeReport;
  /** Arguments of the next plan, when this range has to make it. */
  readonly next: PlanBatchArgs | undefined;
  /** Whether it waits for the next batch and leaves its report to a sibling. */
  readonly waits: Deferred<boolean>;
  /** Whether Temporal accepted the report of the sibling. */
  readonly reported: Deferred<boolean>;
}

/**
 * Lets the ranges of a batch that run in this worker report together, over the connection of the client, where calls of one
 * moment leave as one burst. The worker's own reports leave up to 8 ms apart on few cores, and the server wakes the workflow
 * about 3 ms after the first report, then again for the others.
 *
 * The range that plans the next batch tries an immediate plan before all report. If it has to wait for data, a sibling carries its
 * report: the loop knows the whole batch, with one activity fewer and one wake-up fewer.
 */
export function reportRangesTogether(
  temporal: Pick<Client, 'activity' | 'withDeadline'>,
  { scoreRange, ...others }: ScoringActivities,
): ScoringActivities {
  const begin = createCompletionBarrier<DoneRange>();
  return {
    ...others,
    async scoreRange(args) {
      // The key names the batch, because a hanging attempt may wake during a later batch.
      const participant = begin(`${args.group} ${args.topic} ${args.plannedAtMs}`);
      const report = await scoreRange(args).catch((error: unknown) => {
        participant.fail(); // the siblings do not wait for the retry
        throw error;
      });
      const own: DoneRange = { report, next: args.next, waits: deferred(), reported: deferred() };
      const together = await participant.finish(own);
      const planner = together.find(({ next }) => next !== undefined);
      const more: Pick<RangeAnswer, 'next' | 'forStaying'> =
        planner === own ? await planNext(own, together) : await carryReport(own, planner, together);
      const reported = await reportToTemporal({ ...report, ...more });
      if (more.forStaying !== undefined) planner?.reported.resolve(reported);
      if (!reported) return { ...report, ...more };
      throw new CompleteAsyncError(); // the worker must not report this activity again
    },
  };

  /** @returns whether Temporal accepted the report */
  async function reportToTemporal(answer: RangeAnswer): Promise<boolean> {
    const { taskToken } = Context.current().info;
    try {
      await temporal.withDeadline(Date.now() + REPORT_MS, () =>
        temporal.activity.complete(taskToken, answer),
      );
      return true;
    } catch {
      return false;
    }
  }

  /** The next batch, if there is one now, or after a wait during which a sibling carries the report. */
  async function planNext(
    own: DoneRange,
    together: readonly DoneRange[],
  ): Promise<Pick<RangeAnswer, 'next'>> {
    const { next } = own;
    if (next === undefined) return {};
    try {
      // Too early while another worker still processes ranges of this batch.
      const mayPlan = next.notBeforeMs <= Date.now() && together.length === next.after?.length;
      const plan = mayPlan ? await planNow(next) : undefined;
      const waits = plan === undefined && next.maxWaitMs > 0 && together.length > 1;
      own.waits.resolve(waits);
      return asNext(waits && (await own.reported.promise) ? await planOf(next) : plan);
    } finally {
      own.waits.resolve(false);
    }
  }

  function planNow(next: PlanBatchArgs): Promise<BatchPlan | undefined> {
    const late = sleep(PLAN_NOW_MS, undefined, { ref: false });
    return Promise.race([planOf({ ...next, maxWaitMs: 0 }), late]);
  }

  async function planOf(next: PlanBatchArgs): Promise<BatchPlan | undefined> {
    try {
      const plan = await others.planBatch(next);
      return plan.ranges.length > 0 ? plan : undefined;
    } catch {
      Context.current().cancellationSignal.throwIfAborted();
      return undefined; // the ordinary plan of the loop waits for the end of an outage
    }
  }
}

/** The first sibling carries the report of a range that waits. */
async function carryReport(
  own: DoneRange,
  planner: DoneRange | undefined,
  together: readonly DoneRange[],
): Promise<Pick<RangeAnswer, 'forStaying'>> {
  const waits = await planner?.waits.promise;
  const isFirst = together.find((one) => one !== planner) === own;
  return planner !== undefined && waits === true && isFirst ? { forStaying: planner.report } : {};
}

const asNext = (plan: BatchPlan | undefined) => (plan === undefined ? {} : { next: plan });

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((resolver) => (resolve = resolver));
  return { promise, resolve };
}
