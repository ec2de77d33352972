import { setTimeout as sleep } from 'node:timers/promises';
import { CompleteAsyncError, Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { RangeReport } from '../../domain/scoring/range-report.ts';
import { createCompletionBarrier } from './completion-barrier.ts';
import type { ScoringActivities } from '../index.ts';
import type { BatchPlan, PlanBatchArgs } from './plan-batch.ts';
import type { RangeAnswer } from './score-range.ts';

/**
 * How long a look for the next batch may hold up the reports, and how long Temporal has to take them: what it does not take is
 * left to the worker, which tries again and again. With the wait for siblings (5 s) this ends before the heartbeat timeout (10 s).
 */
const LOOK_MS = 1000;
const REPORT_MS = 2000;

/** A range that is done, on its way to the loop. */
interface Done {
  readonly report: RangeReport;
  /** The next batch, where this range is to plan it. */
  readonly next: PlanBatchArgs | undefined;
  /** Whether it waits for that, and leaves its report to a sibling. */
  readonly waits: Deferred<boolean>;
  /** Whether the sibling could tell the loop. */
  readonly told: Deferred<boolean>;
}

/**
 * Lets the ranges of a batch that run in this worker report together, over the client's connection, where calls of one moment
 * leave as one burst. The worker's own reports leave up to 8 ms apart where cores are scarce, and the server wakes the
 * workflow some 3 ms after the first, then once more for the others.
 *
 * The range that is asked for the next batch looks for it before all report. If it has to wait for it, a sibling takes its report
 * along: the loop knows of the whole batch, and there is an activity less, and an end less that could wake the loop by itself.
 */
export function reportRangesTogether(
  temporal: Pick<Client, 'activity' | 'withDeadline'>,
  { scoreRange, ...others }: ScoringActivities,
): ScoringActivities {
  const begin = createCompletionBarrier<Done>();
  return {
    ...others,
    async scoreRange(args) {
      // An attempt that hung may wake beside a later batch.
      const piece = begin(`${args.group} ${args.topic} ${args.plannedAtMs}`);
      const report = await scoreRange(args).catch((error: unknown) => {
        piece.fail(); // its siblings need not wait for the retry
        throw error;
      });
      const own: Done = { report, next: args.next, waits: deferred(), told: deferred() };
      const together = await piece.finish(own);
      const planner = together.find(({ next }) => next !== undefined);
      const more: Pick<RangeAnswer, 'next' | 'forStaying'> =
        planner === own ? await planNext(own, together) : await takeAlong(own, planner, together);
      const told = await reach({ ...report, ...more });
      if (more.forStaying !== undefined) planner?.told.resolve(told);
      if (!told) return { ...report, ...more };
      throw new CompleteAsyncError(); // tells the worker that this is done
    },
  };

  /** @returns whether Temporal took the report */
  async function reach(answer: RangeAnswer): Promise<boolean> {
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

  /** The next batch, where there is one, or where a sibling reports for this range while it waits for one. */
  async function planNext(own: Done, together: readonly Done[]): Promise<Pick<RangeAnswer, 'next'>> {
    const { next } = own;
    if (next === undefined) return {};
    try {
      // Where others still work on the batch elsewhere, it is too early to look.
      const mayLook = next.notBeforeMs <= Date.now() && together.length === next.after?.length;
      const plan = mayLook ? await look(next) : undefined;
      const waits = plan === undefined && next.maxWaitMs > 0 && together.length > 1;
      own.waits.resolve(waits);
      return asNext(waits && (await own.told.promise) ? await planOf(next) : plan);
    } finally {
      own.waits.resolve(false);
    }
  }

  function look(next: PlanBatchArgs): Promise<BatchPlan | undefined> {
    const late = sleep(LOOK_MS, undefined, { ref: false });
    return Promise.race([planOf({ ...next, maxWaitMs: 0 }), late]);
  }

  async function planOf(next: PlanBatchArgs): Promise<BatchPlan | undefined> {
    try {
      const plan = await others.planBatch(next);
      return plan.ranges.length > 0 ? plan : undefined;
    } catch {
      Context.current().cancellationSignal.throwIfAborted();
      return undefined; // the loop has it planned, and waits an outage out
    }
  }
}

/** The first of the siblings reports for one that waits. */
async function takeAlong(
  own: Done,
  planner: Done | undefined,
  together: readonly Done[],
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
