import type { Offsets } from '../../clients/kafka/offsets.ts';
import type { Transactions } from '../../clients/kafka/transactions.ts';
import { printCommittedMetadata } from '../../domain/scoring/committed-metadata.ts';
import { LEDGER_TOPIC, transactionalIdOf } from '../../domain/scoring/topics.ts';

export interface CommitOffsetDeps {
  readonly offsets: Offsets;
  readonly transactions: Transactions;
  readonly worker: string;
}

export interface OffsetCommit {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Commits another position for a partition: its id is fenced first, so that no old attempt can commit over it, and the move
 * is written to the ledger in the transaction that commits it. The watermark begins anew.
 * (Not by kafkajs's `setOffsets`: that joins the group, where two topics at once crash each other.)
 * @param onlyFirst leaves a position that is there already
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
    metadata: printCommittedMetadata({ worker, max_event_time_ms: null, range: null }),
  });
}
