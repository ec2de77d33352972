import type { KafkaMessage } from 'kafkajs';
import type { OffsetRange } from '../../domain/kafka-location.ts';
import { kafkaErrorType } from './client.ts';
import { fetchPartition } from './fetch-partition.ts';
import { ONE_BATCH_BYTES, type Cluster, type FetchedPartition, type LazyCluster } from './kafkajs/cluster.ts';
import { DecompressionError } from './kafkajs/codecs.ts';
import { readCommitted } from './kafkajs/read-committed.ts';
import { OffsetsUnavailableError, UndecodableBatchError } from './range-errors.ts';

/** One record of an input topic, with the bytes as they are in the log. */
export interface InputRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: NonNullable<KafkaMessage['headers']>;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
}

/** The beginning of a range, or the complete range. */
export interface RecordSlice {
  /** Committed records in order. Offsets of transaction markers, aborted and compacted records have none. */
  readonly records: readonly InputRecord[];
  /** The slice contains everything below this offset; the end of the range when it is complete. */
  readonly to: number;
}

/** A slice ends when it holds this much: 1,000 events have 0.3 MB, 1,000 events of the largest size would have 1 GB. */
const SLICE_BYTES = 16 * 1024 * 1024;
/** Limit of one fetch, compressed as in the log. */
const FETCH_BYTES = 1024 * 1024;
/** Size of a fetch per requested offset. Records beyond the range are decoded for nothing, so do not fetch more. */
const EXPECTED_BYTES_PER_OFFSET = 1024;
const MIN_FETCH_BYTES = 64 * 1024;
/** The planner saw the offsets as stable, so they exist; a broker that does not return them within this time has a fault. */
const READ_DEADLINE_MS = 20_000;
const STALE_METADATA_ERRORS = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
]);

/** A slice while it is read. */
interface Progress {
  readonly records: InputRecord[];
  bytes: number;
  nextOffset: number;
  /** Set after an undecodable response, to find the damaged batch. */
  oneBatchPerFetch: boolean;
}

/**
 * Reads from the start of a range, fetch by fetch, until its end or until the slice is full.
 * @throws OffsetsUnavailableError, UndecodableBatchError, errors of kafkajs, and the signal's reason
 */
export async function readSlice(
  lazyCluster: LazyCluster,
  range: OffsetRange,
  signal?: AbortSignal,
): Promise<RecordSlice> {
  const deadline = Date.now() + READ_DEADLINE_MS;
  const slice: Progress = { records: [], bytes: 0, nextOffset: range.from, oneBatchPerFetch: false };
  while (slice.nextOffset < range.to && slice.bytes < SLICE_BYTES) {
    signal?.throwIfAborted();
    if (Date.now() > deadline)
      throw new OffsetsUnavailableError(range, `no records arrived after offset ${slice.nextOffset}`);
    const cluster = await lazyCluster.connected();
    try {
      const fetched = await fetchPartition(cluster, range, slice.nextOffset, fetchBytes(slice, range));
      addRecords(slice, range, fetched);
    } catch (error) {
      if (!isUndecodable(error)) await refreshStaleMetadata(cluster, slice, range, error);
      else if (!slice.oneBatchPerFetch) slice.oneBatchPerFetch = true;
      // Return the records before the damaged batch. The next read starts at that batch and reports it.
      else if (slice.nextOffset > range.from) break;
      else throw new UndecodableBatchError(range.topic, range.partition, slice.nextOffset, error);
    }
  }
  return { records: slice.records, to: Math.min(slice.nextOffset, range.to) };
}

/** One damaged batch makes a complete response undecodable, so after a failure fetch batch by batch. */
function fetchBytes({ nextOffset, oneBatchPerFetch }: Progress, { to }: OffsetRange): number {
  if (oneBatchPerFetch) return ONE_BATCH_BYTES;
  return Math.min(FETCH_BYTES, Math.max(MIN_FETCH_BYTES, (to - nextOffset) * EXPECTED_BYTES_PER_OFFSET));
}

/** Adds the committed records of the range until the slice is full. Skips offsets that have no such record. */
function addRecords(
  slice: Progress,
  range: OffsetRange,
  { messages, abortedTransactions }: FetchedPartition,
): void {
  for (const message of readCommitted(messages, abortedTransactions)) {
    const offset = Number(message.offset);
    if (offset < slice.nextOffset || offset >= range.to) continue;
    if (slice.bytes >= SLICE_BYTES) {
      slice.nextOffset = offset;
      return;
    }
    slice.records.push(toInputRecord(message, offset));
    slice.bytes += (message.key?.length ?? 0) + (message.value?.length ?? 0);
  }
  slice.nextOffset = Math.max(slice.nextOffset, ...messages.slice(-1).map(endOfBatch));
}

/** @throws the error, unless it says that the metadata is stale; OffsetsUnavailableError when the log has no such offset */
async function refreshStaleMetadata(
  cluster: Cluster,
  { nextOffset }: Progress,
  range: OffsetRange,
  error: unknown,
): Promise<void> {
  const type = kafkaErrorType(error) ?? '';
  if (type === 'OFFSET_OUT_OF_RANGE')
    throw new OffsetsUnavailableError(range, `offset ${nextOffset} is not in the log`);
  if (!STALE_METADATA_ERRORS.has(type)) throw error;
  await cluster.refreshMetadata();
}

/** Damaged bytes that decompress without an error make kafkajs read beyond the end of a buffer: a RangeError. */
const isUndecodable = (error: unknown): error is Error =>
  error instanceof DecompressionError || error instanceof RangeError;

const endOfBatch = ({ batchContext }: FetchedPartition['messages'][number]) =>
  Number(batchContext.firstOffset) + batchContext.lastOffsetDelta + 1;

const toInputRecord = (message: KafkaMessage, offset: number): InputRecord => ({
  offset,
  key: message.key,
  value: message.value,
  headers: message.headers ?? {},
  timestampMs: Number(message.timestamp),
});
