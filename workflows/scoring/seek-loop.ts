import { proxyActivities } from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
import type { SeekTarget } from '../../contract/scoring-loop.ts';
import { formatPartitions } from '../../domain/kafka-location.ts';
import { NO_TOTALS } from '../../domain/scoring/committed-metadata.ts';
import { shardOf } from '../../domain/scoring/topics.ts';
import { groupBy } from '../../domain/values/lists.ts';
import { seekingWithin } from '../activity-options.ts';
import { ownPartitions, type LoopMemory } from './loop-memory.ts';
import { failWithReason, reasonOf, updateFailure } from './update-failures.ts';

/**
 * Moves the partitions of a loop, each on its own: one that fails does not stop the others. The state shows those that were moved.
 * @param withinMs time for the attempts
 * @throws UpdateFailed that names the partitions that were not moved, with the reasons, and those that were
 */
export async function seekLoop(loop: LoopMemory, target: SeekTarget, withinMs: number): Promise<void> {
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

  const numbers = targetPartitions(loop, target);
  const results = await Promise.allSettled(numbers.map(move));
  const failed = numbers.flatMap((partition, index) => {
    const result = results[index];
    return result?.status === 'rejected' ? [{ partition, error: result.reason as unknown }] : [];
  });
  const [first] = failed;
  if (first === undefined) return;
  const numbersOf = (some: typeof failed) => formatPartitions(some.map(({ partition }) => partition));
  const unmoved = [...groupBy(failed, ({ error }) => reasonOf(error))];
  const moved = numbers.filter((number) => failed.every(({ partition }) => partition !== number));
  failWithReason(
    first.error,
    [
      ...unmoved.map(([reason, some]) => `${numbersOf(some)} not moved: ${reason}`),
      ...(moved.length === 0 ? [] : [`${formatPartitions(moved)} moved`]),
    ].join('; '),
  );
}

/** The partitions of this loop that a seek moves. The first loop of a topic also refuses those that the topic does not have. */
function targetPartitions(loop: LoopMemory, target: SeekTarget): number[] {
  if (!('offsets' in target)) return ownPartitions(loop);
  const isOwn = (partition: number) =>
    shardOf(partition) === loop.shard || (loop.shard === 0 && partition >= loop.partitionCount);
  return Object.keys(target.offsets).map(Number).filter(isOwn);
}
