import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import pLimit from 'p-limit';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import type { PartitionState, SeekTarget } from '../../contract/scoring-loop.ts';
import { formatPartitions } from '../../domain/kafka-location.ts';
import { shardOf } from '../../domain/scoring/topics.ts';
import { abortable } from '../../domain/values/abortable.ts';
import { groupBy } from '../../domain/values/lists.ts';
import { isoTimeMs } from '../../domain/values/iso-time.ts';
import { messageOf } from '../../domain/values/message-of.ts';
import { withHeartbeat } from '../heartbeat.ts';
import { commitOffset } from './commit-offset.ts';
import type { FencePartitionDeps } from './fence-partition.ts';
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

/** The new offset of each partition that was moved. A failed seek has it as the first of its details. */
export type MovedPartitions = Record<number, number>;

/** An attempt ends this long before Temporal gives it up, so that it can report, and commits nothing afterwards. */
const REPORT_MS = 1000;

/**
 * Moves the group to another place in a topic. A partition that cannot be moved keeps no other one from it. An attempt continues
 * the one before it, whose heartbeats say what it has moved.
 */
export function createSeekPartitions(deps: FencePartitionDeps) {
  return async function seekPartitions(args: SeekPartitionsArgs): Promise<MovedPartitions> {
    const moved = { ...(Context.current().info.heartbeatDetails as MovedPartitions | undefined) };
    const unmoved: UnmovedPartitions = new Map();
    const timeMs = attemptMs();
    const deadline = new AbortController();
    const noAnswer = new Error(`Kafka did not answer within ${Math.round(timeMs / 1000)} s`);
    const timer = setTimeout(() => deadline.abort(noAnswer), timeMs);
    try {
      await withHeartbeat(
        (cancelled) =>
          abortable([deadline.signal, cancelled], ({ signal }) =>
            movePartitions(deps, args, { moved, unmoved, signal }),
          ),
        () => moved,
      );
      return moved;
    } catch (error) {
      if (error instanceof ApplicationFailure || error instanceof CancelledFailure) throw error;
      const { updateFailed: type } = failureTypes;
      const message = unmoved.size === 0 ? messageOf(error) : formatUnmoved(unmoved, error);
      throw ApplicationFailure.create({ message, type, details: [moved] });
    } finally {
      clearTimeout(timer);
    }
  };
}

/** How long this attempt may take. */
function attemptMs(): number {
  const { info } = Context.current();
  const waitedMs = info.currentAttemptScheduledTimestampMs - info.scheduledTimestampMs;
  const leftMs = Math.min(info.startToCloseTimeoutMs, info.scheduleToCloseTimeoutMs - waitedMs);
  return Math.max(0, leftMs - REPORT_MS);
}

/** The partitions that a seek has not moved yet, each with the reason when it has failed. */
type UnmovedPartitions = Map<number, unknown>;

/**
 * @param moved receives each partition that is moved
 * @param unmoved has the others once the target is found
 * @param signal when it is aborted, nothing more is committed
 */
async function movePartitions(
  deps: FencePartitionDeps,
  args: SeekPartitionsArgs,
  { moved, unmoved, signal }: { moved: MovedPartitions; unmoved: UnmovedPartitions; signal: AbortSignal },
): Promise<void> {
  const { topic, group, shard, partitions } = args;
  const { partitionCount, ...identity } = await deps.offsets.topic(topic);
  for (const partition of await targetPartitions(deps.offsets, args, partitionCount))
    if (shardOf(partition) === shard && !(partition in moved)) unmoved.set(partition, undefined);

  async function move(partition: number): Promise<void> {
    const totals = partitions.find((known) => known.partition === partition)?.totals;
    try {
      const offset = await targetOffset(deps.offsets, args, partition);
      await commitOffset(deps, {
        group,
        topic,
        partition,
        offset,
        identity,
        signal,
        ...(totals && { totals }),
      });
      unmoved.delete(partition);
      moved[partition] = offset;
      if (!signal.aborted) Context.current().heartbeat(moved);
    } catch (error) {
      if (!signal.aborted) unmoved.set(partition, error);
    }
  }

  const limit = pLimit(PARTITIONS_AT_ONCE);
  await Promise.all([...unmoved.keys()].map((partition) => limit(() => move(partition))));
  if (unmoved.size > 0) throw new Error('partitions were not moved');
}

/** For example `partitions 0, 2 were not moved: the broker is gone`. @param timeUp the reason of those that have no other */
const formatUnmoved = (unmoved: UnmovedPartitions, timeUp: unknown): string =>
  [...groupBy(unmoved, ([, reason]) => messageOf(reason ?? timeUp))]
    .map(
      ([reason, failed]) =>
        `${formatPartitions(failed.map(([partition]) => partition))} not moved: ${reason}`,
    )
    .join('; ');

/** The partitions to move. @throws InvalidInput when the target names an offset that the log does not have */
async function targetPartitions(
  offsets: Offsets,
  { topic, target }: SeekPartitionsArgs,
  partitionCount: number,
): Promise<number[]> {
  if (!('offsets' in target)) return Array.from({ length: partitionCount }, (_, partition) => partition);
  return Promise.all(
    Object.entries(target.offsets).map(async ([name, offset]) => {
      const partition = Number(name);
      const log = partition < partitionCount ? await offsets.ends(topic, partition) : null;
      if (log !== null && offset >= log.low && offset <= log.high) return partition;
      const found =
        log === null ? `${topic} has ${partitionCount} partitions` : `it has ${log.low}–${log.high}`;
      throw ApplicationFailure.nonRetryable(
        `offset ${offset} of partition ${partition} does not exist; ${found}`,
        failureTypes.invalidInput,
      );
    }),
  );
}

async function targetOffset(
  offsets: Offsets,
  { topic, target }: SeekPartitionsArgs,
  partition: number,
): Promise<number> {
  if ('time' in target) return offsets.at(topic, partition, isoTimeMs(target.time));
  if ('end' in target)
    return (await offsets.ends(topic, partition))[target.end === 'earliest' ? 'low' : 'high'];
  const offset = target.offsets[partition];
  if (offset === undefined) throw new Error(`the seek names no offset of partition ${partition}`);
  return offset;
}
