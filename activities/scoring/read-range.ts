import type { RangeReader } from '../../clients/kafka/range-reader.ts';
import type { InputRecord, RecordSlice } from '../../clients/kafka/read-slice.ts';
import type { OffsetRange } from '../../domain/kafka-location.ts';
import type { FencedPartition } from './fence-partition.ts';

/** The records that the next transaction covers. */
export interface ReadRange {
  /** Ends where the slice ends, which may be before the end of the planned range. */
  readonly range: OffsetRange;
  readonly records: readonly InputRecord[];
  /** The records after it, when they are read ahead and this worker will probably process them. */
  readonly next: Promise<RecordSlice> | undefined;
}

/** Reads from the committed offset, and starts to read ahead what comes after. */
export async function readRange(
  reader: RangeReader,
  planned: OffsetRange & { readonly readAheadTo: number },
  { transaction, position }: FencedPartition,
  signal: AbortSignal,
): Promise<ReadRange> {
  const { topic, partition } = planned;
  const { records, to } = await reader.read({ topic, partition, from: position, to: planned.to }, signal);
  const readAhead = reader.readAhead({ topic, partition, from: to, to: planned.readAheadTo });
  // A fresh transaction means that another worker had the partition before, and will probably have it again.
  const next = transaction.fresh ? undefined : readAhead;
  return { range: { topic, partition, from: position, to }, records, next };
}
