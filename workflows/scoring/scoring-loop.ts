import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
import type { BatchPlan, PlanBatchArgs } from '../../activities/scoring/plan-batch.ts';
import { compareOffsets, type OffsetsByPartition } from '../../domain/scoring/compare-offsets.ts';
import { eventKinds, type EventKind } from '../../domain/scoring/topics.ts';
import { planning, planningBacklog, seeking } from '../activity-options.ts';
import { formatLoopDetails } from './format-loop-details.ts';
import { addReports, NO_TOTALS, type LoopSettings, type LoopState } from '../../contract/scoring-loop.ts';
import { configureLoopUpdate, loopStateQuery, pauseLoopUpdate, resumeLoopUpdate, seekLoopUpdate, type SeekTarget } from '../../contract/messages.ts';
import { checkSeekTarget, checkSettings } from './loop-input.ts';
import { runRanges, type RunningBatch } from './run-ranges.ts';
import { ignoreCancellation } from './ignore-cancellation.ts';

const { planBatch } = proxyActivities<ScoringActivities>(planning);
const { planBatch: planBacklog } = proxyLocalActivities<ScoringActivities>(planningBacklog);
const { seekPartitions: seekPartitions } = proxyActivities<ScoringActivities>(seeking);

/** Input of the loop; everything but the topic has a default. */
export interface ScoringLoopArgs {
  readonly topic: string;
  readonly kind?: EventKind;
  readonly group?: string;
  readonly settings?: Partial<LoopSettings>;
  /** Carried over by continue-as-new. */
  readonly carried?: Pick<LoopState, 'paused' | 'batches' | 'totals' | 'lastBatch'> &
    // Runs that began before these were there carry none.
    Partial<Pick<LoopState, 'positions' | 'disagreement'>>;
}

const DEFAULT_SETTINGS: LoopSettings = { maxOffsets: 1000, trigger: 10 };
/** An idle loop plans anew this often: 144 empty batches a day, under 1,000 events. */
const IDLE_WAIT_MS = 10 * 60_000;

/**
 * The driver of one input topic: plan → ranges in parallel → advance, until Temporal suggests to continue as new.
 * Kafka's committed offsets are the truth. What is kept here is for people, and for a Kafka that has forgotten them.
 */
export async function scoringLoop(args: ScoringLoopArgs): Promise<void> {
  const { topic, kind, group, settings } = checked(args);
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
    ...args.carried,
  };
  const now = (change: Partial<LoopState>): LoopState => {
    state = { ...state, ...change };
    setCurrentDetails(formatLoopDetails(state));
    return state;
  };

  // Whoever steers must not wait for an idle plan to end: its scope is cancelled, and the loop looks again.
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
  setHandler(configureLoopUpdate, (change) => steer({ settings: { ...state.settings, ...change } }), {
    validator: checkSettings,
  });
  setHandler(
    seekLoopUpdate,
    async (target) => {
      await condition(() => seek === undefined);
      const own: Seek = (seek = { target });
      waiting?.cancel();
      // It may wait for something that is down, or be unable to read what the seek is to pass over.
      if (batch !== undefined && patched('seek-ends-the-batch')) batch.all.cancel();
      await condition(() => seek !== own);
      if (own.failure !== undefined) throw own.failure;
      return state;
    },
    { validator: checkSeekTarget },
  );
  upsertSearchAttributes({ KolTopic: [topic], KolLoopState: [state.paused ? 'paused' : 'running'] });
  now({});

  /** Loops that began before this was there have every batch planned by itself. */
  const rangesPlan = patched('ranges-plan-the-next-batch');
  /** Those that began still earlier looked at once only where they knew of a backlog. */
  const mayLookAtOnce = !rangesPlan && patched('look-at-once-when-available');
  let lastPlannedMs = 0;
  let lookAtOnce = false;
  /** The batch before, while one of its ranges plans the next. */
  let before: RunningBatch | undefined;
  // A range that stays is waited for: what it tells as the loop continues as new would have the server refuse that, for 2 s.
  while (before !== undefined || !workflowInfo().continueAsNewSuggested) {
    if (seek !== undefined) {
      now({ state: 'seeking' });
      await move(seek);
      lookAtOnce = true;
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
    const args = planArgs(lookAtOnce ? 0 : lastPlannedMs);
    waiting = before?.staying ?? new CancellationScope();
    const plan: BatchPlan | undefined = await ignoreCancellation(
      waiting.run(
        async () =>
          (await before?.next) ??
          (lookAtOnce ? await planAtOnce(args) : undefined) ??
          (await planBatch(args)),
      ),
    );
    waiting = before = undefined;
    if (plan === undefined || state.paused || seek !== undefined) continue;
    now({ lag: plan.lag, truncated: plan.truncated, ...positionsAfter(plan, state) });
    lookAtOnce = false;
    if (plan.ranges.length === 0) continue;

    now({ state: 'scoring' });
    const offsets = plan.ranges.reduce((sum, { from, to }) => sum + to - from, 0);
    const hasBacklog = plan.lag > offsets;
    // A single range has nobody to leave its report to: it can look, but not wait for the next tick.
    const asksNext =
      rangesPlan &&
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
    // What is planned meanwhile holds only for what was known then.
    const steered = state.settings !== settings || state.paused || seek !== undefined;
    if (asksNext && !steered && !reports.includes(null)) before = running;
    else running.staying.cancel();
    lookAtOnce = hasBacklog || (mayLookAtOnce && state.settings.trigger === 'available');
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
      // A range that Kafka no longer agreed with did not get there; the next plan says where it stands.
      positions: {
        ...state.positions,
        ...endsOf(plan.ranges.filter((_range, index) => reports[index] !== null)),
      },
    });
  }
  // A seek that came with the last batch is not carried over: its caller waits for it here.
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

/** The input with its defaults. @throws InvalidInput naming what was wrong and what is accepted */
function checked(args: ScoringLoopArgs) {
  const { topic, kind = 'profiles', group = 'kol-scoring', settings = {} } = args ?? {};
  if (typeof topic !== 'string' || topic === '')
    throw ApplicationFailure.nonRetryable(
      'topic is missing; accepted is {"topic": "kol.profiles.raw"}',
      'InvalidInput',
    );
  if (!eventKinds.includes(kind))
    throw ApplicationFailure.nonRetryable(
      `kind is ${JSON.stringify(kind)}, accepted is ${eventKinds.join(' or ')}`,
      'InvalidInput',
    );
  checkSettings(settings);
  return { topic, kind, group, settings: { ...DEFAULT_SETTINGS, ...settings } };
}

/** A seek that an operator asked for, between being asked for and done. */
interface Seek {
  readonly target: SeekTarget;
  failure?: ApplicationFailure;
}

/**
 * Moves the loop; what goes wrong is its caller's to know, and no reason for the loop to end.
 * @returns the partitions that were moved, and where to
 */
async function carryOut(
  seek: Seek,
  loop: { readonly topic: string; readonly group: string },
): Promise<OffsetsByPartition> {
  try {
    return await seekPartitions({ ...loop, ...seek.target });
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    seek.failure = ApplicationFailure.nonRetryable(error.cause?.message ?? error.message, 'SeekFailed');
    return {};
  }
}

const endsOf = (ranges: BatchPlan['ranges']): OffsetsByPartition =>
  Object.fromEntries(ranges.map(({ partition, to }) => [partition, to]));

/** Where the loop stands by a plan, and whether that is where it knew it was. */
function positionsAfter(
  { positions, forgotten = [], plannedAtMs }: BatchPlan,
  { positions: known }: LoopState,
): Partial<LoopState> {
  if (positions === undefined) return {};
  const check = compareOffsets(known, positions, forgotten);
  return { positions, ...(check && { disagreement: { ...check, atMs: plannedAtMs } }) };
}

/** The next batch, of what is there now. @returns undefined where there is nothing, or Kafka could not be asked just now */
async function planAtOnce(args: PlanBatchArgs): Promise<BatchPlan | undefined> {
  try {
    const plan = await planBacklog({ ...args, notBeforeMs: 0, maxWaitMs: 0 });
    return plan.ranges.length > 0 ? plan : undefined;
  } catch (error) {
    // The ordinary plan waits an outage out.
    if (error instanceof ActivityFailure && !isCancellation(error)) return undefined;
    throw error;
  }
}
