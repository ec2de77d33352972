import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import pLimit from 'p-limit';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import type { PartitionState, SeekTarget } from '../../contract/scoring-loop.ts';
import { formatPartitions } from '../../domain/kafka-location.ts';
import { shardOf } from '../../domain/scoring/topics.ts';
import { abortable } from '../../domain/values/abortable.ts';
import { groupBy } from '../../domain/values/group-by.ts';
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
    const timeMs = attemptMs();
    const deadline = new AbortController();
    const noAnswer = new Error(`Kafka did not answer within ${Math.round(timeMs / 1000)} s`);
    const timer = setTimeout(() => deadline.abort(noAnswer), timeMs);
    try {
      const unmoved = await withHeartbeat(
        (cancelled) => movePartitions(deps, args, moved, [deadline.signal, cancelled]),
        () => moved,
      );
      if (unmoved.size > 0) throw new Error(formatUnmoved(unmoved));
      return moved;
    } catch (error) {
      if (error instanceof ApplicationFailure || error instanceof CancelledFailure) throw error;
      const { updateFailed: type } = failureTypes;
      throw ApplicationFailure.create({ message: messageOf(error), type, details: [moved] });
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

/**
 * @param moved receives each partition that is moved
 * @param stops signals after which nothing more is committed
 * @returns the reason of each partition that is not moved
 * @throws when the target is not found
 */
async function movePartitions(
  deps: FencePartitionDeps,
  args: SeekPartitionsArgs,
  moved: MovedPartitions,
  stops: readonly AbortSignal[],
): Promise<ReadonlyMap<number, unknown>> {
  const { topic, group, shard, partitions } = args;
  const { partitionCount, ...identity } = await abortable(stops, () => deps.offsets.topic(topic));
  const targets = await abortable(stops, () => targetPartitions(deps.offsets, args, partitionCount));
  /** A partition is in it until it is moved. */
  const unmoved = new Map<number, unknown>(
    targets
      .filter((partition) => shardOf(partition) === shard && !(partition in moved))
      .map((partition) => [partition, undefined]),
  );
  const limit = pLimit(PARTITIONS_AT_ONCE);

  async function move(partition: number, signal: AbortSignal): Promise<void> {
    const totals = partitions.find((known) => known.partition === partition)?.totals;
    try {
      const offset = await targetOffset(deps.offsets, args, partition);
      const commit = { group, topic, partition, offset, identity, signal, ...(totals && { totals }) };
      await commitOffset(deps, commit);
      unmoved.delete(partition);
      moved[partition] = offset;
      if (!signal.aborted) Context.current().heartbeat(moved);
    } catch (error) {
      if (!signal.aborted) unmoved.set(partition, error);
    }
  }

  try {
    await abortable(stops, ({ signal }) =>
      Promise.all([...unmoved.keys()].map((partition) => limit(() => move(partition, signal)))),
    );
  } catch (timeUp) {
    for (const [partition, reason] of unmoved) unmoved.set(partition, reason ?? timeUp);
  }
  return unmoved;
}

/** For example `partitions 0, 2 were not moved: the broker is gone`. */
const formatUnmoved = (unmoved: ReadonlyMap<number, unknown>): string =>
  [...groupBy(unmoved, ([, reason]) => messageOf(reason))]
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
  return target.offsets[partition] ?? 0;
}
