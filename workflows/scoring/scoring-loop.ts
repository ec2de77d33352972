import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  startChild,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
import { usableCarriedState } from '../../contract/carried-loop-state.ts';
import { loopStateQuery } from '../../contract/messages.ts';
import {
  LOOP_VERSION,
  loopOptions,
  parseScoringLoopInput,
  type LoopState,
  type ScoringLoopInput,
} from '../../contract/scoring-loop.ts';
import { shardOf } from '../../domain/scoring/topics.ts';
import { startingPartitions } from '../activity-options.ts';
import { validInput } from '../valid-input.ts';
import { formatLoopDetails } from './format-loop-details.ts';
import {
  describeLoop,
  isSuperfluous,
  lacksPartitions,
  newPartition,
  nextInput,
  otherShards,
  recallLoop,
  type LoopMemory,
} from './loop-memory.ts';
import { createSlices, type Slices } from './slices.ts';
import { steerLoop } from './steer-loop.ts';

const { startPartitions } = proxyActivities<ScoringActivities>(startingPartitions);

/** After a look that has not found or started all partitions. */
const LOOK_AGAIN = '5 seconds';

/**
 * Drives the partitions of an input topic, each on its own: slice after slice, until Temporal suggests to continue as new. Kafka's
 * committed offsets are the truth. The state here is for people, and for the case that Kafka has lost the committed offsets.
 */
export async function scoringLoop(input: ScoringLoopInput): Promise<void> {
  leaveToNewerVersion();
  const options = validInput(parseScoringLoopInput(input));
  const loop = recallLoop(options, usableCarriedState(input.carried));
  const show = createDisplay(loop, () => slices.isRunning());
  const slices: Slices = createSlices(loop, () => void show());

  let failure: Error | undefined;
  const worked = new Set<number>();
  const workPartitions = () => {
    for (const partition of loop.partitions.keys()) {
      if (worked.has(partition)) continue;
      worked.add(partition);
      slices.work(partition).then(
        () => worked.delete(partition),
        (error: Error) => (failure ??= error),
      );
    }
  };
  const findPartitions = async () => {
    await findPartitionsOf(loop, options.settings);
    workPartitions();
    show();
  };

  let starting: Promise<void> = Promise.resolve();
  // One after the other: an update may ask for it while the loop does it.
  const startOthers = () => {
    const started = starting.then(() => startShards(loop));
    starting = started.catch(() => {});
    return started;
  };

  let isFinding = false;
  // A change of the group finds its partitions itself.
  const mustFind = () => !isFinding && loop.moves === 0 && lacksPartitions(loop);
  /** In the background: a partition without a leader can delay the start. */
  const findAndStart = async () => {
    isFinding = true;
    try {
      await findPartitions();
      await startOthers();
      if (lacksPartitions(loop)) await sleep(LOOK_AGAIN);
    } catch (error) {
      failure ??= error as Error;
    }
    isFinding = false;
  };

  if (workflowInfo().memo?.['version'] === undefined) upsertMemo({ version: LOOP_VERSION });
  setHandler(loopStateQuery, () => describeLoop(loop, slices.isRunning()));
  steerLoop(loop, slices, { show, findPartitions, startShards: startOthers });
  workPartitions();
  show();
  // A move may continue after its update was answered.
  const isSteered = () => allHandlersFinished() && loop.moves === 0;
  const isOver = () => isSuperfluous(loop) && isSteered();
  await startOthers(); // those that were terminated
  for (;;) {
    if (mustFind()) void findAndStart();
    await condition(
      () => failure !== undefined || workflowInfo().continueAsNewSuggested || isOver() || mustFind(),
    );
    if (failure !== undefined) throw failure;
    if (isOver()) return;
    if (!workflowInfo().continueAsNewSuggested) continue;
    await condition(isSteered);
    await slices.handOver();
    await condition(isSteered);
    return continueAsNew<typeof scoringLoop>(nextInput(loop, true));
  }
}

/**
 * While a new version replaces an older one, workers of both poll the queue. A history that the older code has begun could not be continued
 * by the newer.
 * @throws Error for the loop of a newer version: a plain error fails the workflow task only, and a worker of that version gets it
 */
function leaveToNewerVersion(): void {
  const version = Number(workflowInfo().memo?.['version'] ?? 0);
  if (version > LOOP_VERSION)
    throw new Error(`a worker of loop version ${LOOP_VERSION} cannot run a loop of version ${version}`);
}

/** Finds the partitions of the topic and their positions. Settings that nobody has set come from the worker. */
async function findPartitionsOf(loop: LoopMemory, given: Readonly<Record<string, unknown>>): Promise<void> {
  for (;;) {
    const { topic, group, shard, partitions } = loop;
    const started = await startPartitions({ topic, group, shard, known: [...partitions.keys()] });
    if (loop.group !== group) continue; // it was configured meanwhile
    if (group === null) {
      loop.group = started.defaults.group;
      const isFree = ([name]: [string, unknown]) => given[name] === undefined && !(name in loop.setBy);
      const free = Object.fromEntries(Object.entries(started.defaults.settings).filter(isFree));
      loop.settings = { ...loop.settings, ...free };
    }
    for (const [name, { offset, totals }] of Object.entries(started.positions)) {
      const partition = Number(name);
      if (shardOf(partition) === shard && !partitions.has(partition))
        partitions.set(partition, newPartition(partition, offset, totals));
    }
    loop.unstarted = started.unstarted ?? [];
    loop.partitionCount = loop.seenPartitions = started.partitionCount;
    loop.emptyLooks = partitions.size === 0 ? loop.emptyLooks + 1 : 0;
    return;
  }
}

/** Starts the loops of the other shards. Loops that already run continue. */
async function startShards(loop: LoopMemory): Promise<void> {
  for (const shard of otherShards(loop)) {
    try {
      const options = loopOptions(nextInput(loop, false, shard));
      await startChild(scoringLoop, { ...options, parentClosePolicy: ParentClosePolicy.ABANDON });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }
}

/**
 * Shows the state in the UI, and notes in the memo how a loop of a newer version continues this one. The memo has the positions of
 * a paused loop only: those of others are in Kafka, and would be written after each slice.
 * @returns a function that does it again after a change
 */
function createDisplay(loop: LoopMemory, isRunning: () => boolean): () => LoopState {
  let shown: string | undefined;
  let noted: string | undefined;
  return () => {
    const state = describeLoop(loop, isRunning());
    setCurrentDetails(formatLoopDetails(state));
    const isStuck = state.unstarted.length > 0 || state.partitions.some(({ stuck }) => stuck !== null);
    const word = state.paused ? 'paused' : isStuck ? 'stuck' : 'running';
    if (word !== shown) upsertSearchAttributes({ KolTopic: [loop.topic], KolLoopState: [word] });
    shown = word;
    const input = nextInput(loop, loop.paused && !isRunning());
    const note = JSON.stringify(input);
    if (note !== noted) upsertMemo({ input });
    noted = note;
    return state;
  };
}
