import type { RecordLocation } from '../../domain/kafka-location.ts';
import {
  NO_TOTALS,
  type PartitionTotals,
  type TopicIdentity,
  type TopicStart,
} from '../../domain/scoring/committed-metadata.ts';
import type { Position } from '../../domain/scoring/find-position.ts';
import { LEDGER_TOPIC } from '../../domain/scoring/output-record.ts';
import { fencePartition, type FencedPartition, type FencePartitionDeps } from './fence-partition.ts';

/** The next offset to read of a group. */
export interface OffsetCommit extends RecordLocation {
  readonly group: string;
  readonly identity: TopicIdentity;
  /** Counted when the committed offset has no counts. */
  readonly totals?: PartitionTotals;
  /** When it is aborted, nothing is committed any more. */
  readonly signal?: AbortSignal;
}

/**
 * Commits another offset for a partition. It fences the partition first, so that no older attempt can overwrite the offset, and
 * writes the move to the ledger in the same transaction. The watermark is reset.
 * (kafkajs's `setOffsets` is no alternative: it joins the group, where two topics at the same time crash each other.)
 * @throws also the reason of the signal
 * @param started of a partition that starts. Nothing is done when the group already has a committed offset
 */
export async function commitOffset(
  deps: FencePartitionDeps,
  { group, topic, partition, offset, identity, totals = NO_TOTALS, signal }: OffsetCommit,
  started?: TopicStart | null,
): Promise<void> {
  signal?.throwIfAborted();
  await fencePartition(deps, { group, topic, partition }, async (fenced) => {
    if (started !== undefined && fenced.committed !== null) return;
    signal?.throwIfAborted();
    const to = { offset, newestEventMs: null, totals: fenced.metadata?.totals ?? totals };
    await commitMove(fenced, identity, { from: fenced.committed, to, started });
  });
}

/** Commits a position without a batch, with a note in the ledger. @param from null when nothing was committed */
export async function commitMove(
  { topic, partition, worker, commit }: FencedPartition,
  identity: TopicIdentity,
  { from, to, started }: { from: number | null; to: Position; started?: TopicStart | null | undefined },
): Promise<void> {
  const note = { topic, partition, seek: { from, to: to.offset }, worker };
  const message = { key: `${topic}/${partition}`, value: JSON.stringify(note) };
  await commit({ records: [{ topic: LEDGER_TOPIC, message }], to, identity, started });
}
