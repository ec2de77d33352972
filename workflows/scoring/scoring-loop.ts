import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
import type { BatchPlan, PlanBatchArgs } from '../../activities/scoring/plan-batch.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import {
  configureLoopUpdate,
  loopStateQuery,
  pauseLoopUpdate,
  resumeLoopUpdate,
  seekLoopUpdate,
} from '../../contract/messages.ts';
import {
  parseLoopSettings,
  parseScoringLoopInput,
  parseSeekTarget,
  type LoopState,
  type ScoringLoopInput,
  type SeekTarget,
} from '../../contract/scoring-loop.ts';
import { compareOffsets, type OffsetsByPartition } from '../../domain/scoring/compare-offsets.ts';
import { planning, planningBacklog, seeking } from '../activity-options.ts';
import { validInput } from '../valid-input.ts';
import { formatLoopDetails } from './format-loop-details.ts';
import { ignoreCancellation } from './ignore-cancellation.ts';
import { addReports, NO_TOTALS } from './loop-totals.ts';
import { runRanges, type RunningBatch } from './run-ranges.ts';

const { planBatch } = proxyActivities<ScoringActivities>(planning);
const { planBatch: planBacklog } = proxyLocalActivities<ScoringActivities>(planningBacklog);
const { seekPartitions } = proxyActivities<ScoringActivities>(seeking);

/** An idle loop plans this often: 144 empty batches a day, under 1,000 events. */
const IDLE_WAIT_MS = 10 * 60_000;

/**
 * Drives one input topic: plan → ranges in parallel → advance, until Temporal suggests to continue as new. Kafka's committed
 * offsets are the truth. The state here is for people, and for the case that Kafka has lost the committed offsets.
 *
 * The function is longer than others: its steps share the state that operators steer, and per-partition loops will replace it.
 */
// eslint-disable-next-line max-lines-per-function -- see above
export async function scoringLoop(input: ScoringLoopInput): Promise<void> {
  const { topic, kind, group, settings } = validInput(parseScoringLoopInput(input));
  let state: LoopState = {
    topic,
    kind,
    group,
    settings,
    state: 'waiting',
    paused: false,
    batches: 0,
    totals: NO_TOTALS,
    lastBatch: null,
    lag: 0,
    truncated: [],
    positions: {},
    disagreement: null,
    ...input.carried,
  };
  const now = (change: Partial<LoopState>): LoopState => {
    state = { ...state, ...change };
    setCurrentDetails(formatLoopDetails(state));
    return state;
  };

  // An operator must not wait until an idle plan ends: cancel its scope, and the loop plans again.
  let waiting: CancellationScope | undefined;
  const steer = (change: Partial<LoopState>): LoopState => {
    waiting?.cancel();
    return now(change);
  };
  const setPaused = (paused: boolean): LoopState => {
    if (paused !== state.paused) upsertSearchAttributes({ KolLoopState: [paused ? 'paused' : 'running'] });
    return steer({ paused });
  };
  let seek: Seek | undefined;
  const move = async (wanted: Seek): Promise<void> => {
    const moved = await carryOut(wanted, { topic, group });
    now({ positions: { ...state.positions, ...moved } });
    seek = undefined;
  };
  let batch: RunningBatch | undefined;
  setHandler(loopStateQuery, () => state);
  setHandler(pauseLoopUpdate, () => setPaused(true));
  setHandler(resumeLoopUpdate, () => setPaused(false));
  setHandler(
    configureLoopUpdate,
    (change) => steer({ settings: { ...state.settings, ...validInput(parseLoopSettings(change)) } }),
    { validator: (change) => void validInput(parseLoopSettings(change)) },
  );
  setHandler(
    seekLoopUpdate,
    async (target) => {
      await condition(() => seek === undefined);
      const own: Seek = (seek = { target });
      waiting?.cancel();
      // The batch may wait for an engine that is down, or be unable to read the offsets that the seek skips.
      batch?.all.cancel();
      await condition(() => seek !== own);
      if (own.failure !== undefined) throw own.failure;
      return state;
    },
    { validator: (target) => void validInput(parseSeekTarget(target)) },
  );
  upsertSearchAttributes({ KolTopic: [topic], KolLoopState: [state.paused ? 'paused' : 'running'] });
  now({});

  let lastPlannedMs = 0;
  let planNow = false;
  /** The previous batch, while one of its ranges plans the next one. */
  let previous: RunningBatch | undefined;
  // Wait for a range that still plans: a report that arrives during continue-as-new makes the server refuse it for 2 s.
  while (previous !== undefined || !workflowInfo().continueAsNewSuggested) {
    if (seek !== undefined) {
      now({ state: 'seeking' });
      await move(seek);
      planNow = true;
    }
    if (state.paused) {
      now({ state: 'paused' });
      await condition(() => !state.paused || seek !== undefined);
      continue;
    }
    now({ state: 'waiting' });
    const { settings } = state;
    const planArgs = (lastMs: number): PlanBatchArgs => ({
      topic,
      group,
      maxOffsets: settings.maxOffsets,
      notBeforeMs: settings.trigger === 'available' ? 0 : lastMs + settings.trigger * 1000,
      maxWaitMs: IDLE_WAIT_MS,
      known: state.positions,
    });
    const args = planArgs(planNow ? 0 : lastPlannedMs);
    waiting = previous?.staying ?? new CancellationScope();
    const plan: BatchPlan | undefined = await ignoreCancellation(
      waiting.run(
        async () =>
          (await previous?.next) ??
          (planNow ? await planImmediately(args) : undefined) ??
          (await planBatch(args)),
      ),
    );
    waiting = previous = undefined;
    if (plan === undefined || state.paused || seek !== undefined) continue;
    now({ lag: plan.lag, truncated: plan.truncated, ...positionsAfter(plan, state) });
    planNow = false;
    if (plan.ranges.length === 0) continue;

    now({ state: 'scoring' });
    const offsets = plan.ranges.reduce((sum, { from, to }) => sum + to - from, 0);
    const hasBacklog = plan.lag > offsets;
    // A single range has no sibling that can carry its report: it may plan immediately, but not wait for the next tick.
    const asksNext =
      !workflowInfo().continueAsNewSuggested &&
      (hasBacklog || plan.ranges.length > 1 || settings.trigger === 'available');
    const next: PlanBatchArgs = {
      ...planArgs(hasBacklog ? 0 : plan.plannedAtMs),
      ...(hasBacklog && { maxWaitMs: 0 }),
      known: { ...state.positions, ...endsOf(plan.ranges) },
    };
    const running = (batch = runRanges(plan, { topic, kind, group }, asksNext ? next : undefined));
    const reports = await running.reports;
    batch = undefined;
    // A plan made in the meantime is valid only for the settings and positions it was made with.
    const steered = state.settings !== settings || state.paused || seek !== undefined;
    if (asksNext && !steered && !reports.includes(null)) previous = running;
    else running.staying.cancel();
    planNow = hasBacklog;
    lastPlannedMs = plan.plannedAtMs;
    now({
      batches: state.batches + 1,
      totals: addReports(state.totals, reports, plan.expired),
      lastBatch: {
        plannedAtMs: plan.plannedAtMs,
        offsets,
        partitions: plan.ranges.length,
        durationMs: Date.now() - plan.plannedAtMs,
      },
      lag: plan.lag - offsets,
      // A range with a stale plan did not advance; the next plan reports its position.
      positions: {
        ...state.positions,
        ...endsOf(plan.ranges.filter((_range, index) => reports[index] !== null)),
      },
    });
  }
  // A seek that arrived with the last batch is not carried over: its caller waits for it in this run.
  if (seek !== undefined) await move(seek);
  await condition(allHandlersFinished);
  const { paused, batches, totals, lastBatch, positions, disagreement } = state;
  await continueAsNew<typeof scoringLoop>({
    topic,
    kind,
    group,
    settings: state.settings,
    carried: { paused, batches, totals, lastBatch, positions, disagreement },
  });
}

/** A seek that an operator requested, until it is done. */
interface Seek {
  readonly target: SeekTarget;
  failure?: ApplicationFailure;
}

/**
 * Moves the loop. A failure is returned to the caller of the update; it does not end the loop.
 * @returns the new offsets of the partitions that were moved
 */
async function carryOut(
  seek: Seek,
  loop: { readonly topic: string; readonly group: string },
): Promise<OffsetsByPartition> {
  try {
    return await seekPartitions({ ...loop, ...seek.target });
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    seek.failure = ApplicationFailure.nonRetryable(
      error.cause?.message ?? error.message,
      failureTypes.seekFailed,
    );
    return {};
  }
}

const endsOf = (ranges: BatchPlan['ranges']): OffsetsByPartition =>
  Object.fromEntries(ranges.map(({ partition, to }) => [partition, to]));

/** The committed offsets of a plan, and any disagreement with the offsets that the loop knew. */
function positionsAfter(
  { positions, forgotten, plannedAtMs }: BatchPlan,
  { positions: known }: LoopState,
): Partial<LoopState> {
  const check = compareOffsets(known, positions, forgotten);
  return { positions, ...(check && { disagreement: { ...check, atMs: plannedAtMs } }) };
}

/** Plans the next batch from the records that are there now. @returns undefined when there are none, or Kafka does not answer */
async function planImmediately(args: PlanBatchArgs): Promise<BatchPlan | undefined> {
  try {
    const plan = await planBacklog({ ...args, notBeforeMs: 0, maxWaitMs: 0 });
    return plan.ranges.length > 0 ? plan : undefined;
  } catch (error) {
    // The ordinary plan waits for the end of an outage.
    if (error instanceof ActivityFailure && !isCancellation(error)) return undefined;
    throw error;
  }
}
