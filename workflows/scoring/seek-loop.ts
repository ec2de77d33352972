import { ApplicationFailure, proxyActivities, TimeoutFailure } from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
import type { MovedPartitions } from '../../activities/scoring/seek-partitions.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import type { SeekTarget } from '../../contract/scoring-loop.ts';
import { formatPartitions } from '../../domain/kafka-location.ts';
import { seekingWithin } from '../activity-options.ts';
import type { LoopMemory } from './loop-memory.ts';
import { failWithReason, reasonOf, updateFailure } from './update-failures.ts';

/**
 * Moves the partitions of a loop. The state shows those that were moved, also when others were not.
 * @param withinMs time for the attempts
 * @throws UpdateFailed that names both
 */
export async function seekLoop(loop: LoopMemory, target: SeekTarget, withinMs: number): Promise<void> {
  const { topic, shard, group, partitions } = loop;
  if (group === null) throw updateFailure('the loop has not found its partitions yet');
  const { seekPartitions } = proxyActivities<ScoringActivities>(seekingWithin(withinMs));
  const states = [...partitions.values()];
  try {
    showMoved(loop, await seekPartitions({ topic, group, shard, target, partitions: states }));
  } catch (error) {
    const moved = movedBefore(error);
    showMoved(loop, moved);
    const numbers = Object.keys(moved).map(Number);
    const reason = reasonOf(error);
    failWithReason(error, numbers.length === 0 ? reason : `${reason}; ${formatPartitions(numbers)} moved`);
  }
}

function showMoved({ partitions }: LoopMemory, moved: MovedPartitions): void {
  for (const [partition, position] of Object.entries(moved)) {
    const state = partitions.get(Number(partition));
    // Without a last batch, the next one does not wait for its tick.
    if (state) partitions.set(state.partition, { ...state, position, lastBatch: null, stuck: null });
  }
}

/** What a seek had moved when it failed: its failure says it, or the last heartbeat of its worker. */
function movedBefore(error: unknown): MovedPartitions {
  let moved: unknown;
  for (let cause = error; cause instanceof Error && moved == null; cause = cause.cause) {
    if (cause instanceof TimeoutFailure) moved = cause.lastHeartbeatDetails;
    if (cause instanceof ApplicationFailure && cause.type === failureTypes.updateFailed)
      moved = cause.details?.[0];
  }
  return (moved ?? {}) as MovedPartitions;
}
