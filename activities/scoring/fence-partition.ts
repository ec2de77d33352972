import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { FencedProducer, Transactions } from '../../clients/kafka/transactions.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import { parseCommittedMetadata, type CommittedMetadata } from '../../domain/scoring/committed-metadata.ts';
import { transactionalIdOf } from '../../domain/scoring/topics.ts';

export interface FencePartitionDeps {
  readonly offsets: Offsets;
  readonly transactions: Transactions;
  /** Names this worker process. A restarted worker has another name. */
  readonly worker: string;
}

/** A partition that only this attempt can commit, and what its group has committed. */
export interface FencedPartition {
  readonly producer: FencedProducer;
  readonly committed: number | null;
  readonly metadata: CommittedMetadata | null;
}

/**
 * Fences the partition, then reads its committed offset, and closes the producer after the work. The order matters: until it is fenced,
 * an older attempt could still commit (docs/decisions/0009-transactions.md).
 */
export async function fencePartition<T>(
  { transactions, offsets }: FencePartitionDeps,
  { group, topic, partition }: TopicPartition & { readonly group: string },
  work: (fenced: FencedPartition) => Promise<T>,
): Promise<T> {
  const producer = await transactions.open(transactionalIdOf(group, topic, partition));
  try {
    const { offset, metadata } = await offsets.committed(group, topic, partition);
    return await work({ producer, committed: offset, metadata: parseCommittedMetadata(metadata) });
  } finally {
    await producer.close();
  }
}
