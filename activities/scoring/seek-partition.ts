import { ApplicationFailure, Context } from '@temporalio/activity';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import type { SeekTarget } from '../../contract/scoring-loop.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import type { PartitionTotals } from '../../domain/scoring/committed-metadata.ts';
import { withTimeLimit } from '../../domain/values/abortable.ts';
import { isoTimeMs } from '../../domain/values/iso-time.ts';
import { withHeartbeat } from '../heartbeat.ts';
import { commitMove, fencePartition, type FencePartitionDeps } from './fence-partition.ts';

export interface SeekPartitionArgs extends TopicPartition {
  readonly group: string;
  readonly target: SeekTarget;
  /** The counts that the loop knows, for a committed offset without counts. */
  readonly totals: PartitionTotals;
}

/** An attempt ends this long before Temporal gives it up, so that nothing is committed after the answer. */
const MARGIN_MS = 1000;

/** Moves the group to another place in a partition. */
export const createSeekPartition = (deps: FencePartitionDeps) =>
  /** @returns the new offset */
  function seekPartition(args: SeekPartitionArgs): Promise<number> {
    const seconds = attemptMs() / 1000;
    return withHeartbeat((cancelled) =>
      withTimeLimit(
        seconds,
        (signal) => movePartition(deps, args, signal),
        cancelled,
        () => new Error(`Kafka did not answer within ${Math.round(seconds)} s`),
      ),
    );
  };

/** How long this attempt may take. */
function attemptMs(): number {
  const { info } = Context.current();
  const waitedMs = info.currentAttemptScheduledTimestampMs - info.scheduledTimestampMs;
  const leftMs = Math.min(info.startToCloseTimeoutMs, info.scheduleToCloseTimeoutMs - waitedMs);
  return Math.max(0, leftMs - MARGIN_MS);
}

async function movePartition(
  deps: FencePartitionDeps,
  args: SeekPartitionArgs,
  signal: AbortSignal,
): Promise<number> {
  const { group, topic, partition, totals } = args;
  const { partitionCount, ...identity } = await deps.offsets.topic(topic);
  const offset = await targetOffset(deps.offsets, args, partitionCount);
  signal.throwIfAborted();
  await fencePartition(deps, { group, topic, partition }, async (fenced) => {
    signal.throwIfAborted();
    const to = { offset, newestEventMs: null, totals: fenced.metadata?.totals ?? totals };
    await commitMove(fenced, identity, { from: fenced.committed, to });
  });
  return offset;
}

/** @throws InvalidInput when the target names an offset that the log does not have */
async function targetOffset(
  offsets: Offsets,
  { topic, partition, target }: SeekPartitionArgs,
  partitionCount: number,
): Promise<number> {
  if ('time' in target) return offsets.at(topic, partition, isoTimeMs(target.time));
  const log = partition < partitionCount ? await offsets.ends(topic, partition) : null;
  if ('end' in target && log !== null) return target.end === 'earliest' ? log.low : log.high;
  const offset = 'offsets' in target ? target.offsets[partition] : undefined;
  if (log !== null && offset !== undefined && offset >= log.low && offset <= log.high) return offset;
  const found = log === null ? `${topic} has ${partitionCount} partitions` : `it has ${log.low}–${log.high}`;
  throw ApplicationFailure.nonRetryable(
    `offset ${offset} of partition ${partition} does not exist; ${found}`,
    failureTypes.invalidInput,
  );
}
