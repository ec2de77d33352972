import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { Transactions } from '../../clients/kafka/transactions.ts';
import type { RecordLocation } from '../../domain/kafka-location.ts';
import { serializeCommittedMetadata } from '../../domain/scoring/committed-metadata.ts';
import { LEDGER_TOPIC, transactionalIdOf } from '../../domain/scoring/topics.ts';

export interface CommitOffsetDeps {
  readonly offsets: Offsets;
  readonly transactions: Transactions;
  readonly worker: string;
}

/** The next offset to read of a group. */
export interface OffsetCommit extends RecordLocation {
  readonly group: string;
}

/**
 * Commits another offset for a partition. It fences the transactional id first, so that no older attempt can overwrite the
 * offset, and writes the move to the ledger in the same transaction. The watermark is reset.
 * (kafkajs's `setOffsets` is no alternative: it joins the group, where two topics at the same time crash each other.)
 * @param onlyFirst does nothing when the group already has a committed offset
 */
export async function commitOffset(
  { offsets, transactions, worker }: CommitOffsetDeps,
  { group, topic, partition, offset }: OffsetCommit,
  { onlyFirst = false }: { onlyFirst?: boolean } = {},
): Promise<void> {
  const transaction = await transactions.begin(transactionalIdOf(group, topic, partition), { fresh: true });
  const at = await offsets.committed(group, topic, partition);
  if (onlyFirst && at.offset !== null) return transaction.abandon();
  const note = { topic, partition, seek: { from: at.offset, to: offset }, worker };
  await transaction.commit({
    records: [
      { topic: LEDGER_TOPIC, messages: [{ key: `${topic}/${partition}`, value: JSON.stringify(note) }] },
    ],
    group,
    topic,
    partition,
    offset,
    metadata: serializeCommittedMetadata({ worker, max_event_time_ms: null, range: null }),
  });
}
