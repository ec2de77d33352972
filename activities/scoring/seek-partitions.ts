import { ApplicationFailure } from '@temporalio/activity';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import { isoTimeMs } from '../../domain/values/iso-time.ts';
import { commitOffset, type CommitOffsetDeps } from './commit-offset.ts';
import type { SeekTarget } from '../../contract/scoring-loop.ts';

export type SeekPartitionsArgs = { readonly topic: string; readonly group: string } & SeekTarget;

/** Moves the group to another place in a topic, partition by partition. @returns the new offset of each moved partition */
export function createSeekPartitions(deps: CommitOffsetDeps) {
  return async function seekPartitions(args: SeekPartitionsArgs): Promise<Record<number, number>> {
    const { topic, group } = args;
    const targets = await targetOffsets(deps.offsets, args);
    for (const [partition, offset] of targets) await commitOffset(deps, { group, topic, partition, offset });
    return Object.fromEntries(targets);
  };
}

/** The target offset of each partition. @throws InvalidInput for offsets that the log does not have */
async function targetOffsets(offsets: Offsets, args: SeekPartitionsArgs): Promise<Map<number, number>> {
  const partitions = await offsets.read(args.group, args.topic);
  if ('time' in args) return offsets.at(args.topic, isoTimeMs(args.time));
  if ('end' in args)
    return new Map(
      partitions.map(({ partition, low, high }) => [partition, args.end === 'earliest' ? low : high]),
    );
  return new Map(
    Object.entries(args.offsets).map(([partition, offset]) => {
      const log = partitions.find((candidate) => candidate.partition === Number(partition));
      if (log === undefined || offset < log.low || offset > log.high)
        throw ApplicationFailure.nonRetryable(
          `offset ${offset} of partition ${partition} does not exist; ${args.topic} has ${partitions
            .map(({ partition: number, low, high }) => `${number}: ${low}–${high}`)
            .join(', ')}`,
          failureTypes.invalidInput,
        );
      return [log.partition, offset];
    }),
  );
}
