import type { Offsets } from '../../clients/kafka/offsets.ts';
import { TopicNotFoundError } from '../../clients/kafka/topic-errors.ts';
import type { FencedProducer, Transactions } from '../../clients/kafka/transactions.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import { parseCommittedMetadata, type TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import { findPosition, type KnownPosition } from '../../domain/scoring/find-position.ts';
import { transactionalIdOf } from '../../domain/scoring/topics.ts';

export interface OpenPartitionDeps {
  readonly offsets: Offsets;
  readonly transactions: Transactions;
  /** Names this worker process. A restarted worker has another name. */
  readonly worker: string;
}

/** A partition that only this attempt can commit, and where it stands. */
export interface OpenPartition extends ReturnType<typeof findPosition> {
  readonly producer: FencedProducer;
  readonly identity: TopicIdentity;
}

/**
 * Fences the partition, then reads its committed offset. The order matters: until it is fenced, an older attempt could still
 * commit (docs/decisions/0009-transactions.md). The caller closes the producer.
 */
export async function openPartition(
  { transactions, offsets }: OpenPartitionDeps,
  { group, topic, partition }: TopicPartition & { readonly group: string },
  known: KnownPosition,
): Promise<OpenPartition> {
  const producer = await transactions.open(transactionalIdOf(group, topic, partition));
  try {
    const [{ offset, metadata }, identity] = await Promise.all([
      offsets.committed(group, topic, partition),
      identityOf(offsets, topic),
    ]);
    const found = findPosition(known, {
      committed: offset,
      metadata: parseCommittedMetadata(metadata),
      identity,
    });
    return { producer, identity, ...found };
  } catch (error) {
    await producer.close();
    throw error;
  }
}

/** @throws TopicNotFoundError */
export async function identityOf(offsets: Offsets, topic: string): Promise<TopicIdentity> {
  const identity = await offsets.identity(topic);
  if (identity === null) throw new TopicNotFoundError(topic);
  return identity;
}
