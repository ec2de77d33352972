import {
  ActivityFailure,
  ApplicationFailure,
  currentUpdateInfo,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import {
  configureLoopUpdate,
  pauseLoopUpdate,
  resumeLoopUpdate,
  seekLoopUpdate,
} from '../../contract/messages.ts';
import {
  parseLoopChange,
  parseSeekTarget,
  type LoopChange,
  type LoopSettings,
  type LoopState,
  type LoopUpdate,
  type SeekTarget,
} from '../../contract/scoring-loop.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import { seeking, steeringShards } from '../activity-options.ts';
import { innermostMessage } from '../innermost-message.ts';
import { validInput } from '../valid-input.ts';
import { otherShards, type LoopMemory } from './loop-memory.ts';
import type { Slices } from './slices.ts';

const { seekPartitions } = proxyActivities<ScoringActivities>(seeking);
const { steerShard } = proxyActivities<ScoringActivities>(steeringShards);

/** Handles the updates of a loop. The first loop of a topic passes them on to the others. */
export function steerLoop(
  loop: LoopMemory,
  slices: Slices,
  {
    show,
    findPartitions,
    startShards,
  }: {
    readonly show: () => LoopState;
    readonly findPartitions: () => Promise<void>;
    readonly startShards: () => Promise<void>;
  },
): void {
  const move = createMoves(loop, slices, show);

  async function steerOthers(update: LoopUpdate): Promise<void> {
    const ids = otherShards(loop).map((shard) => scoringLoopId(loop.topic, shard));
    if (ids.length === 0) return;
    const { id: updateId } = currentUpdateInfo() ?? {};
    // A loop that somebody has terminated cannot be steered.
    if (patched('start-shards-to-steer')) await startShards();
    await Promise.all(
      ids.map((workflowId) =>
        answering(steerShard({ workflowId, update, ...(updateId !== undefined && { updateId }) })),
      ),
    );
  }

  setHandler(pauseLoopUpdate, async () => {
    loop.paused = true;
    show();
    await Promise.all([slices.stop(), steerOthers({ name: 'pause', args: [] })]);
    return show();
  });
  setHandler(resumeLoopUpdate, async () => {
    loop.paused = false;
    await steerOthers({ name: 'resume', args: [] });
    return show();
  });
  setHandler(
    configureLoopUpdate,
    async (given) => {
      const change = validInput(parseLoopChange(given));
      if (isNewGroup(loop, change))
        await move(async () => {
          applyChange(loop, change);
          loop.partitions.clear(); // their positions belong to the other group
          await findPartitions();
        });
      else if (applyChange(loop, change)) await slices.stop(); // the next ones have the new settings
      await steerOthers({ name: 'configure', args: [change] });
      return show();
    },
    { validator: (change) => void validInput(parseLoopChange(change)) },
  );
  setHandler(
    seekLoopUpdate,
    async (target) => {
      await move(() => seekTo(loop, target));
      await steerOthers({ name: 'seek', args: [target] });
      return show();
    },
    { validator: (target) => void validInput(parseSeekTarget(target)) },
  );
}

/** Runs moves one after the other, each while no slice runs. */
function createMoves(loop: LoopMemory, slices: Slices, show: () => void) {
  let last: Promise<unknown> = Promise.resolve();
  return async (work: () => Promise<void>): Promise<void> => {
    loop.moves += 1;
    show();
    const own = last.then(() => slices.stop()).then(work);
    last = own.catch(() => {});
    try {
      await own;
    } finally {
      loop.moves -= 1;
    }
  };
}

async function seekTo(loop: LoopMemory, target: SeekTarget): Promise<void> {
  const { topic, shard, group, partitions } = loop;
  if (group === null)
    throw ApplicationFailure.nonRetryable(
      'the loop has not found its partitions yet',
      failureTypes.seekFailed,
    );
  const states = [...partitions.values()];
  const moved = await answering(seekPartitions({ topic, group, shard, target, partitions: states }));
  for (const [partition, position] of Object.entries(moved)) {
    const state = partitions.get(Number(partition));
    // Without a last batch, the next one does not wait for its tick.
    if (state) partitions.set(state.partition, { ...state, position, lastBatch: null, stuck: null });
  }
}

/** An operator gets the reason of a failure, and the loop continues. */
async function answering<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    const reason =
      error.cause instanceof TimeoutFailure
        ? `no answer in time (${error.cause.message}): is Kafka reachable, and does a worker serve ${SCORING_TASK_QUEUE}?`
        : innermostMessage(error);
    throw ApplicationFailure.nonRetryable(reason, failureTypes.seekFailed);
  }
}

const isNewGroup = (loop: LoopMemory, { group }: LoopChange): boolean =>
  group !== undefined && loop.group !== null && group !== loop.group;

/** @returns whether a setting has changed */
function applyChange(
  loop: LoopMemory,
  { by = 'an operator', group = loop.group ?? undefined, ...settings }: LoopChange,
): boolean {
  const before: Readonly<Record<string, unknown>> = { ...loop.settings, group: loop.group };
  const wanted: Readonly<Record<string, unknown>> = { ...settings, ...(group !== undefined && { group }) };
  const changed = Object.keys(wanted).filter((name) => wanted[name] !== before[name]);
  const note = { by, atMs: Date.now() };
  loop.setBy = { ...loop.setBy, ...Object.fromEntries(changed.map((name) => [name, note])) };
  loop.settings = { ...loop.settings, ...(settings as Partial<LoopSettings>) };
  loop.group = group ?? null;
  return changed.length > 0;
}
