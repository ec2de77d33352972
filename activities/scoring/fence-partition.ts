import { ApplicationFailure } from '@temporalio/activity';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { FencedTransaction, Transactions } from '../../clients/kafka/transactions.ts';
import { parseCommittedMetadata } from '../../domain/scoring/committed-metadata.ts';
import { STALE_PLAN } from '../../domain/scoring/plan-ranges.ts';
import { NO_COUNTS, type RangeCounts } from '../../domain/scoring/range-report.ts';
import { transactionalIdOf } from '../../domain/scoring/topics.ts';

export interface FencePartitionDeps {
  readonly offsets: Offsets;
  readonly transactions: Transactions;
  /** Names this worker process; a restarted one is another. */
  readonly worker: string;
}

/** A partition, and where its plan begins. */
interface PlannedPartition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
}

/** A partition held by this attempt alone, and where it stands. */
interface FencedPartition {
  readonly transaction: FencedTransaction;
  /** Next offset to read. */
  readonly position: number;
  readonly maxEventTimeMs: number | null;
  /** What became of the planned range up to there, in earlier transactions. */
  readonly before: RangeCounts;
}

/**
 * Takes the transactional id of the partition, then reads how far it is committed: in this order only, since an older
 * attempt could still commit before it is fenced (packages.md, transaction design 2).
 * @throws StalePlan (non-retryable) where the group stands before the plan
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
    // Another worker committed last, so it holds a newer epoch than the producer kept here; or the marker of what was committed
    // here is not written yet, and the range would be done again. Taking the id anew settles both.
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
        STALE_PLAN,
      );
    const { max_event_time_ms: maxEventTimeMs, range } = parseCommittedMetadata(at.metadata);
    return {
      transaction,
      // Behind `from` only where retention removed the offsets between.
      position: Math.max(position, planned.from),
      maxEventTimeMs,
      before: range?.from === planned.from && position > planned.from ? range.counts : NO_COUNTS,
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
