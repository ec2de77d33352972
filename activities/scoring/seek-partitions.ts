import { ApplicationFailure } from '@temporalio/activity';
import pLimit from 'p-limit';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import type { PartitionState, SeekTarget } from '../../contract/scoring-loop.ts';
import { shardOf } from '../../domain/scoring/topics.ts';
import { isoTimeMs } from '../../domain/values/iso-time.ts';
import { commitOffset } from './commit-offset.ts';
import { identityOf, type OpenPartitionDeps } from './open-partition.ts';
import { PARTITIONS_AT_ONCE } from './start-partitions.ts';

export interface SeekPartitionsArgs {
  readonly topic: string;
  readonly group: string;
  /** Only its partitions are moved; another loop moves the others. */
  readonly shard: number;
  readonly target: SeekTarget;
  /** The partitions as the loop knows them. */
  readonly partitions: readonly PartitionState[];
}

/** Moves the group to another place in a topic. @returns the new offset of each partition that was moved */
export function createSeekPartitions(deps: OpenPartitionDeps) {
  const limit = pLimit(PARTITIONS_AT_ONCE);

  return async function seekPartitions(args: SeekPartitionsArgs): Promise<Record<number, number>> {
    const { topic, group, shard, partitions } = args;
    const targets = await targetOffsets(deps.offsets, args);
    const identity = await identityOf(deps.offsets, topic);
    const moves = [...targets].filter(([partition]) => shardOf(partition) === shard);
    await Promise.all(
      moves.map(([partition, offset]) => {
        const totals = partitions.find((known) => known.partition === partition)?.totals;
        return limit(() =>
          commitOffset(deps, { group, topic, partition, offset, identity, ...(totals && { totals }) }),
        );
      }),
    );
    return Object.fromEntries(moves);
  };
}

/** The target offset of each partition. @throws InvalidInput for offsets that the log does not have */
async function targetOffsets(
  offsets: Offsets,
  { group, topic, target }: SeekPartitionsArgs,
): Promise<ReadonlyMap<number, number>> {
  if ('time' in target) return offsets.at(topic, isoTimeMs(target.time));
  const { partitions } = await offsets.read(group, topic);
  if ('end' in target)
    return new Map(
      partitions.map(({ partition, low, high }) => [partition, target.end === 'earliest' ? low : high]),
    );
  return new Map(
    Object.entries(target.offsets).map(([partition, offset]) => {
      const log = partitions.find((candidate) => candidate.partition === Number(partition));
      if (log === undefined || offset < log.low || offset > log.high)
        throw ApplicationFailure.nonRetryable(
          `offset ${offset} of partition ${partition} does not exist; ${topic} has ${partitions
            .map(({ partition: number, low, high }) => `${number}: ${low}–${high}`)
            .join(', ')}`,
          failureTypes.invalidInput,
        );
      return [log.partition, offset];
    }),
  );
}
