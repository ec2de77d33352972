import type { KafkaMessage } from 'kafkajs';
import type { RecordLocation } from '../../domain/kafka-location.ts';
import { ONE_BATCH_BYTES, type LazyCluster } from './kafkajs/cluster.ts';
import { DecompressionError } from './kafkajs/codecs.ts';
import { fetchRecords, type FetchedRecords } from './kafkajs/fetch.ts';
import { readCommitted } from './kafkajs/read-committed.ts';
import { findLeader } from './kafkajs/topic-metadata.ts';
import {
  OffsetOutOfRangeError,
  RecordsUnavailableError,
  UndecodableBatchError,
  type LogEnds,
} from './read-errors.ts';

/** One record of an input topic, with the bytes as they are in the log. */
export interface InputRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: NonNullable<KafkaMessage['headers']>;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
}

/** Records from an offset on. */
export interface RecordSlice {
  /** Committed records in order. Offsets of transaction markers, aborted and compacted records have none. */
  readonly records: readonly InputRecord[];
  /** The slice contains everything below this offset. */
  readonly to: number;
  readonly log: LogEnds;
}

/** A slice ends when it holds this much: 1,000 events have 0.3 MB, 1,000 events of the largest size would have 1 GB. */
const SLICE_BYTES = 16 * 1024 * 1024;
/** Limit of one fetch, compressed as in the log. */
const FETCH_BYTES = 1024 * 1024;
/** Size of a fetch per requested offset. Records beyond the slice are fetched for nothing. */
const EXPECTED_BYTES_PER_OFFSET = 1024;
const MIN_FETCH_BYTES = 64 * 1024;
/** A broker that does not return within this time what it says it has, has a fault. */
const READ_DEADLINE_MS = 20_000;
/** Wait of a fetch for records that the broker says it has. */
const FETCH_WAIT_MS = 500;
const STALE_METADATA_ERRORS = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
]);
export const isStaleMetadata = (error: string | null): boolean =>
  error !== null && STALE_METADATA_ERRORS.has(error);

/** A slice while it is read. */
interface Progress {
  readonly records: InputRecord[];
  bytes: number;
  nextOffset: number;
  /** The slice holds nothing at or after this offset. */
  end: number;
  /** Set after an undecodable response, to find the damaged batch. */
  oneBatchPerFetch: boolean;
}

/**
 * Reads the committed records that are there now from an offset on, fetch by fetch, until `maxOffsets` or the size of a slice.
 * @throws OffsetOutOfRangeError, UndecodableBatchError, RecordsUnavailableError, errors of kafkajs, and the signal's reason
 */
export async function readRecords(
  lazyCluster: LazyCluster,
  from: RecordLocation,
  maxOffsets: number,
  signal?: AbortSignal,
): Promise<RecordSlice> {
  const deadline = Date.now() + READ_DEADLINE_MS;
  const slice: Progress = {
    records: [],
    bytes: 0,
    nextOffset: from.offset,
    end: from.offset + maxOffsets,
    oneBatchPerFetch: false,
  };
  let log: LogEnds | undefined;
  while (log === undefined || (slice.nextOffset < slice.end && slice.bytes < SLICE_BYTES)) {
    signal?.throwIfAborted();
    const at = { ...from, offset: slice.nextOffset };
    if (Date.now() > deadline) throw new RecordsUnavailableError(at, 'no records arrived');
    try {
      const fetched = await fetchFrom(lazyCluster, at, slice, log === undefined ? 0 : FETCH_WAIT_MS);
      if (fetched === undefined) continue;
      const { logStart, lastStable, high } = fetched;
      log = { logStart, lastStable, high };
      slice.end = Math.min(from.offset + maxOffsets, lastStable);
      addRecords(slice, fetched);
    } catch (error) {
      if (!isUndecodable(error)) throw error;
      if (!slice.oneBatchPerFetch) slice.oneBatchPerFetch = true;
      // Return the records before the damaged batch. The next read starts at that batch and reports it.
      else if (log !== undefined && slice.nextOffset > from.offset) break;
      else throw new UndecodableBatchError(at, error);
    }
  }
  return { records: slice.records, to: Math.max(from.offset, Math.min(slice.nextOffset, slice.end)), log };
}

/** @returns undefined when another broker leads the partition now */
async function fetchFrom(
  lazyCluster: LazyCluster,
  at: RecordLocation,
  slice: Progress,
  maxWaitMs: number,
): Promise<FetchedRecords | undefined> {
  const cluster = await lazyCluster.connected();
  const nodeId = await findLeader(cluster, at.topic, at.partition);
  const maxBytes = fetchBytes(slice);
  const fetched = await fetchRecords(cluster, nodeId, { ...at, end: slice.end, maxBytes, maxWaitMs });
  if (fetched.error === null) return fetched;
  if (fetched.error === 'OFFSET_OUT_OF_RANGE') throw new OffsetOutOfRangeError(at, fetched);
  if (!isStaleMetadata(fetched.error)) throw new RecordsUnavailableError(at, fetched.error);
  return undefined;
}

/** One damaged batch makes a complete response undecodable, so after a failure fetch batch by batch. */
function fetchBytes({ nextOffset, end, oneBatchPerFetch }: Progress): number {
  if (oneBatchPerFetch) return ONE_BATCH_BYTES;
  return Math.min(FETCH_BYTES, Math.max(MIN_FETCH_BYTES, (end - nextOffset) * EXPECTED_BYTES_PER_OFFSET));
}

/** Adds committed records until the slice is full. Skips offsets that have no such record. */
function addRecords(slice: Progress, { messages, abortedTransactions, nextOffset }: FetchedRecords): void {
  for (const message of readCommitted(messages, abortedTransactions)) {
    const offset = Number(message.offset);
    if (offset < slice.nextOffset || offset >= slice.end) continue;
    if (slice.bytes >= SLICE_BYTES) {
      slice.nextOffset = offset;
      return;
    }
    slice.records.push(toInputRecord(message, offset));
    slice.bytes += (message.key?.length ?? 0) + (message.value?.length ?? 0);
  }
  slice.nextOffset = Math.max(slice.nextOffset, nextOffset ?? 0);
}

/** Damaged bytes that decompress without an error make a decoder read beyond the end of a buffer: a RangeError. */
const isUndecodable = (error: unknown): error is Error =>
  error instanceof DecompressionError || error instanceof RangeError;

const toInputRecord = (message: KafkaMessage, offset: number): InputRecord => ({
  offset,
  key: message.key,
  value: message.value,
  headers: message.headers ?? {},
  timestampMs: Number(message.timestamp),
});
