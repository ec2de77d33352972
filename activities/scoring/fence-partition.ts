import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { FencedProducer, Transactions } from '../../clients/kafka/transactions.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import type { TopicMessage } from '../../clients/kafka/message-limits.ts';
import {
  isSameTopic,
  parseCommittedMetadata,
  serializeCommittedMetadata,
  type CommittedMetadata,
  type TopicIdentity,
  type TopicStart,
} from '../../domain/scoring/committed-metadata.ts';
import { LEDGER_TOPIC } from '../../domain/scoring/output-record.ts';
import type { Position } from '../../domain/scoring/find-position.ts';
import { transactionalIdOf } from '../../domain/scoring/topics.ts';

export interface FencePartitionDeps {
  readonly offsets: Offsets;
  readonly transactions: Transactions;
  /** Names this worker process. A restarted worker has another name. */
  readonly worker: string;
}

/** A partition that only this attempt can commit, and what its group has committed. */
export interface FencedPartition extends TopicPartition {
  readonly worker: string;
  readonly producer: FencedProducer;
  readonly committed: number | null;
  readonly metadata: CommittedMetadata | null;
  /**
   * Commits records and the position after them in one transaction.
   * @param started when the group began with the topic, at the start of a partition; later commits keep it
   */
  readonly commit: (
    records: readonly TopicMessage[],
    to: Position,
    identity: TopicIdentity,
    started?: TopicStart | null,
  ) => Promise<void>;
}

/**
 * Fences the partition, then reads its committed offset, and closes the producer after the work. The order matters: until it is fenced,
 * an older attempt could still commit (docs/decisions/0009-transactions.md).
 */
export async function fencePartition<T>(
  { transactions, offsets, worker }: FencePartitionDeps,
  { group, topic, partition }: TopicPartition & { readonly group: string },
  work: (fenced: FencedPartition) => Promise<T>,
): Promise<T> {
  const producer = await transactions.open(transactionalIdOf(group, topic, partition));
  try {
    const { offset: committed, metadata: text } = await offsets.committed(group, topic, partition);
    const metadata = parseCommittedMetadata(text);
    return await work({
      ...{ topic, partition, worker, producer, committed, metadata },
      commit(records, { offset, newestEventMs, totals }, identity, given = null) {
        const isSame = metadata !== null && isSameTopic(metadata.identity, identity);
        const started = isSame ? metadata.started : given;
        const written = serializeCommittedMetadata({ worker, identity, newestEventMs, totals, started });
        return producer.commit({ records, group, topic, partition, offset, metadata: written });
      },
    });
  } finally {
    await producer.close();
  }
}

/**
 * Commits a position without a batch, with a note in the ledger, in one transaction. The watermark of a start or a seek is reset.
 * (kafkajs's `setOffsets` is no alternative: it joins the group, where two topics at the same time crash each other.)
 * @param from null when nothing was committed
 */
export async function commitMove(
  { topic, partition, worker, commit }: FencedPartition,
  identity: TopicIdentity,
  { from, to, started }: { from: number | null; to: Position; started?: TopicStart | null },
): Promise<void> {
  const note = { topic, partition, seek: { from, to: to.offset }, worker };
  const message = { key: `${topic}/${partition}`, value: JSON.stringify(note) };
  await commit([{ topic: LEDGER_TOPIC, message }], to, identity, started);
}
