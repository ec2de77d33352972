import { ApplicationFailure } from '@temporalio/activity';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import { isoTimeMs } from '../../domain/values/iso-time.ts';
import type { SeekTarget } from '../../contract/messages.ts';
import { commitOffset, type CommitOffsetDeps } from './commit-offset.ts';

export type SeekPartitionsArgs = { readonly topic: string; readonly group: string } & SeekTarget;

/** Moves the group to another place in a topic, partition by partition. @returns the offsets by partition */
export function createSeekPartitions(deps: CommitOffsetDeps) {
  return async function seekPartitions(args: SeekPartitionsArgs): Promise<Record<number, number>> {
    const { topic, group } = args;
    const targets = await targetsOf(deps.offsets, args);
    for (const [partition, offset] of targets) await commitOffset(deps, { group, topic, partition, offset });
    return Object.fromEntries(targets);
  };
}

/** Offsets to go to, kept inside what the log holds. */
async function targetsOf(positions: Offsets, args: SeekPartitionsArgs): Promise<Map<number, number>> {
  const partitions = await positions.read(args.group, args.topic);
  if ('time' in args) return positions.at(args.topic, isoTimeMs(args.time));
  if ('end' in args)
    return new Map(
      partitions.map(({ partition, low, high }) => [partition, args.end === 'earliest' ? low : high]),
    );
  return new Map(
    Object.entries(args.offsets).map(([partition, offset]) => {
      const held = partitions.find((candidate) => candidate.partition === Number(partition));
      if (held === undefined || offset < held.low || offset > held.high)
        throw ApplicationFailure.nonRetryable(
          `offset ${offset} of partition ${partition} is not there; ${args.topic} has ${partitions
            .map(({ partition: number, low, high }) => `${number}: ${low}–${high}`)
            .join(', ')}`,
          'InvalidInput',
        );
      return [held.partition, offset];
    }),
  );
}
