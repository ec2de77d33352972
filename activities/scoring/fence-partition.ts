import { ApplicationFailure } from '@temporalio/activity';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { FencedTransaction, Transactions } from '../../clients/kafka/transactions.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import { parseCommittedMetadata } from '../../domain/scoring/committed-metadata.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import { NO_COUNTS, type RangeCounts } from '../../domain/scoring/range-report.ts';
import { transactionalIdOf } from '../../domain/scoring/topics.ts';

export interface FencePartitionDeps {
  readonly offsets: Offsets;
  readonly transactions: Transactions;
  /** Names this worker process. A restarted worker has another name. */
  readonly worker: string;
}

/** A partition, and the offset at which its plan starts. */
interface PlannedPartition extends TopicPartition {
  readonly group: string;
  readonly from: number;
}

/** A partition that only this attempt can commit, and its committed position. */
export interface FencedPartition {
  readonly transaction: FencedTransaction;
  /** Next offset to read. */
  readonly position: number;
  readonly maxEventTimeMs: number | null;
  /** Counts of the planned range up to that offset, from earlier transactions. */
  readonly countsBefore: RangeCounts;
}

/**
 * Takes the transactional id of the partition, then reads the committed offset. The order matters: until it is fenced, an older
 * attempt could still commit (docs/decisions/0009-transactions.md).
 * @throws StalePlan (non-retryable) when the committed offset is before the plan
 */
export async function fencePartition(
  { transactions, offsets, worker }: FencePartitionDeps,
  planned: PlannedPartition,
): Promise<FencedPartition> {
  const transactionalId = transactionalIdOf(planned.group, planned.topic, planned.partition);
  const committed = () => offsets.committed(planned.group, planned.topic, planned.partition);
  let transaction = await transactions.begin(transactionalId);
  try {
    let at = await committed();
    // Another worker committed last, so it has a newer epoch than the producer kept here. Or the marker of the last commit of
    // this worker is not written yet, and the range would be processed twice. A fresh producer resolves both.
    const isOurs = parseCommittedMetadata(at.metadata).worker === worker;
    const isStale = transaction.lastOffset !== null && (at.offset ?? -1) < transaction.lastOffset;
    if (!transaction.fresh && (!isOurs || isStale)) {
      await transaction.abandon();
      transaction = await transactions.begin(transactionalId, { fresh: true });
      at = await committed();
    }
    const position = at.offset ?? planned.from;
    if (position < planned.from && (await lowOf(offsets, planned)) <= position)
      throw ApplicationFailure.nonRetryable(
        `planned from ${planned.from}, committed is ${position}`,
        failureTypes.stalePlan,
      );
    const { max_event_time_ms: maxEventTimeMs, range } = parseCommittedMetadata(at.metadata);
    return {
      transaction,
      // The committed offset is below `from` only when retention removed the offsets in between.
      position: Math.max(position, planned.from),
      maxEventTimeMs,
      countsBefore: range?.from === planned.from && position > planned.from ? range.counts : NO_COUNTS,
    };
  } catch (error) {
    await transaction.abandon().catch(() => {});
    throw error;
  }
}

async function lowOf(offsets: Offsets, { group, topic, partition }: PlannedPartition): Promise<number> {
  const all = await offsets.read(group, topic);
  return all.find((candidate) => candidate.partition === partition)?.low ?? 0;
}
