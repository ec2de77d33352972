import { condition, currentUpdateInfo, proxyActivities, setHandler } from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
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
  type LoopState,
  type LoopUpdate,
  type SeekTarget,
} from '../../contract/scoring-loop.ts';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import { formatPartitions } from '../../domain/kafka-location.ts';
import { NO_TOTALS } from '../../domain/scoring/committed-metadata.ts';
import { shardOf } from '../../domain/scoring/topics.ts';
import { groupBy } from '../../domain/values/lists.ts';
import { seekingWithin } from '../activity-options.ts';
import { validInput } from '../valid-input.ts';
import { otherShards, ownPartitions, type LoopMemory } from './loop-memory.ts';
import { createMoves } from './moves.ts';
import type { Slices } from './slices.ts';
import { createShardSteering } from './steer-shards.ts';
import { answerOfAll, failWithReason, reasonOf, settle, updateFailure } from './update-failures.ts';

/** An update waits this long until the loop has found its partitions. The first loop of a topic then knows the others too. */
const FOUND_MS = 50_000;
/** The activities of a seek end this long before the update is answered. */
const SEEK_MARGIN_MS = 2000;

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
  const steerShard = createShardSteering();
  const isFound = () => loop.partitionCount > 0;

  /** Carries out an update here and in the other loops, at the same time: each has its deadline from the arrival of the update. */
  async function everywhere(update: LoopUpdate, here: () => Promise<unknown>): Promise<LoopState> {
    const own = here();
    own.catch(() => {}); // awaited below
    const { id: updateId } = currentUpdateInfo() as { id: string }; // this runs in the handler of an update
    if (!(await condition(() => loop.shard > 0 || isFound(), FOUND_MS)))
      throw updateFailure(
        'the loop has not found its partitions yet; it is done in this loop only, if at all',
      );
    const others = otherShards(loop);
    // A loop that somebody has terminated cannot be steered.
    const ready = others.length === 0 ? Promise.resolve() : startShards();
    const answers = new Map([[scoringLoopId(loop.topic, loop.shard), own]]);
    for (const shard of others) {
      const workflowId = scoringLoopId(loop.topic, shard);
      answers.set(workflowId, steerShard({ workflowId, update, updateId }, ready));
    }
    await answerOfAll(answers);
    return show();
  }

  setHandler(pauseLoopUpdate, () => {
    loop.paused = true;
    show();
    return everywhere({ name: 'pause', args: [] }, () => slices.stop());
  });
  setHandler(resumeLoopUpdate, () => {
    loop.paused = false;
    return everywhere({ name: 'resume', args: [] }, () => Promise.resolve());
  });
  setHandler(
    configureLoopUpdate,
    (given) => {
      const change = validInput(parseLoopChange(given));
      return everywhere({ name: 'configure', args: [change] }, async () => {
        if (isNewGroup(loop, change)) await move(() => changeGroup(change), STILL_FINDING);
        else if (applyChange(loop, change)) await slices.stop(); // the next ones have the new settings
      });
    },
    { validator: (change) => void validInput(parseLoopChange(change)) },
  );
  setHandler(
    seekLoopUpdate,
    (target) =>
      everywhere({ name: 'seek', args: [target] }, async () => {
        await condition(isFound, FOUND_MS);
        await move(
          (answerAtMs) => seekLoop(loop, target, answerAtMs - SEEK_MARGIN_MS - Date.now()),
          'the seek has not ended in time',
        );
      }),
    { validator: (target) => void validInput(parseSeekTarget(target)) },
  );

  function changeGroup(change: LoopChange): Promise<void> {
    applyChange(loop, change);
    loop.partitions.clear(); // their positions belong to the other group
    return findPartitions();
  }
}

const STILL_FINDING =
  'the group is set. The loop still looks for its offsets, and continues as soon as Kafka answers';

const isNewGroup = (loop: LoopMemory, { group }: LoopChange): boolean =>
  group !== undefined && loop.group !== null && group !== loop.group;

/** @returns whether a setting has changed */
function applyChange(loop: LoopMemory, change: LoopChange): boolean {
  const { by = 'an operator', group = loop.group, ...settings } = change;
  const before: Readonly<Record<string, unknown>> = { ...loop.settings, group: loop.group };
  const changed = Object.entries({ ...settings, group }).filter(([name, value]) => value !== before[name]);
  const note = { by, atMs: Date.now() };
  loop.setBy = { ...loop.setBy, ...Object.fromEntries(changed.map(([name]) => [name, note])) };
  loop.settings = { ...loop.settings, ...settings };
  loop.group = group;
  return changed.length > 0;
}

/**
 * Moves the partitions of a loop, each on its own: one that fails does not stop the others. The state shows those that were moved.
 * @param withinMs time for the attempts
 * @throws UpdateFailed that names the partitions that were not moved, with the reasons, and those that were
 */
async function seekLoop(loop: LoopMemory, target: SeekTarget, withinMs: number): Promise<void> {
  const { topic, group, partitions } = loop;
  if (group === null || loop.partitionCount === 0)
    throw updateFailure('the loop has not found its partitions yet');
  const { seekPartition } = proxyActivities<ScoringActivities>(seekingWithin(withinMs));

  const move = async (partition: number) => {
    const totals = partitions.get(partition)?.totals ?? NO_TOTALS;
    const position = await seekPartition({ topic, group, partition, target, totals });
    const state = partitions.get(partition);
    // Without a last batch, the next one does not wait for its tick.
    if (state) partitions.set(partition, { ...state, position, lastBatch: null, stuck: null });
  };

  const moves = targetPartitions(loop, target).map((partition) => [partition, move(partition)] as const);
  const { failed, done } = await settle(new Map(moves));
  const [first] = failed;
  if (first === undefined) return;
  const unmoved = [...groupBy(failed, ({ error }) => reasonOf(error))].map(
    ([reason, some]) => `${formatPartitions(some.map(({ name }) => name))} not moved: ${reason}`,
  );
  const moved = done.length === 0 ? [] : [`${formatPartitions(done)} moved`];
  failWithReason(first.error, [...unmoved, ...moved].join('; '));
}

/** The partitions of this loop that a seek moves. The first loop of a topic also refuses those that the topic does not have. */
function targetPartitions(loop: LoopMemory, target: SeekTarget): number[] {
  if (!('offsets' in target)) return ownPartitions(loop);
  const isOwn = (partition: number) =>
    shardOf(partition) === loop.shard || (loop.shard === 0 && partition >= loop.partitionCount);
  return Object.keys(target.offsets).map(Number).filter(isOwn);
}
