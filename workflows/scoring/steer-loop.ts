import { condition, currentUpdateInfo, setHandler } from '@temporalio/workflow';
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
} from '../../contract/scoring-loop.ts';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import { validInput } from '../valid-input.ts';
import { otherShards, type LoopMemory } from './loop-memory.ts';
import { createMoves } from './moves.ts';
import { seekLoop } from './seek-loop.ts';
import type { Slices } from './slices.ts';
import { createShardSteering } from './steer-shards.ts';
import { answerOfAll, updateFailure } from './update-failures.ts';

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
    const others = otherShards(loop).map((shard) => scoringLoopId(loop.topic, shard));
    // A loop that somebody has terminated cannot be steered.
    const ready = others.length === 0 ? Promise.resolve() : startShards();
    await answerOfAll(
      new Map([
        [scoringLoopId(loop.topic, loop.shard), own],
        ...others.map((workflowId): [string, Promise<unknown>] => [
          workflowId,
          steerShard({ workflowId, update, updateId }, ready),
        ]),
      ]),
    );
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
