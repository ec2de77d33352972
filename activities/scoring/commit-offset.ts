import type { RecordLocation } from '../../domain/kafka-location.ts';
import { serializeCommittedMetadata, type TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import { NO_TOTALS, type PartitionTotals } from '../../domain/scoring/partition-totals.ts';
import { LEDGER_TOPIC } from '../../domain/scoring/topics.ts';
import { fencePartition, type FencePartitionDeps } from './fence-partition.ts';

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
 * @param startedWith at a first start, the number of partitions. It does nothing when the group already has a committed offset
 */
export async function commitOffset(
  deps: FencePartitionDeps,
  { group, topic, partition, offset, identity, totals = NO_TOTALS, signal }: OffsetCommit,
  startedWith: number | null = null,
): Promise<void> {
  signal?.throwIfAborted();
  await fencePartition(deps, { group, topic, partition }, async ({ producer, committed, metadata }) => {
    if (startedWith !== null && committed !== null) return;
    const { worker } = deps;
    const note = { topic, partition, seek: { from: committed, to: offset }, worker };
    signal?.throwIfAborted();
    await producer.commit({
      records: [
        { topic: LEDGER_TOPIC, message: { key: `${topic}/${partition}`, value: JSON.stringify(note) } },
      ],
      group,
      topic,
      partition,
      offset,
      metadata: serializeCommittedMetadata({
        worker,
        identity,
        newestEventMs: null,
        totals: metadata?.totals ?? totals,
        startedWith,
      }),
    });
  });
}
