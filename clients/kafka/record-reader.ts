import { setTimeout as sleep } from 'node:timers/promises';
import DataLoader from 'dataloader';
import type { Kafka } from 'kafkajs';
import type { OffsetRange, RecordLocation } from '../../domain/kafka-location.ts';
import type { LogRecord } from '../../domain/kafka-record.ts';
import { createLazyCluster, type Cluster, type LazyCluster } from './kafkajs/cluster.ts';
import { DecompressionError } from './kafkajs/codecs.ts';
import type { RecordBatch } from './kafkajs/decode-records.ts';
import { type FetchedRecords, fetchRecords, pollPartitions, type PolledPartition } from './kafkajs/fetch.ts';
import { findLeader } from './kafkajs/topic-metadata.ts';
import { messageBytes } from './message-limits.ts';
import {
  type LogEnds,
  OffsetOutOfRangeError,
  RecordsUnavailableError,
  UndecodableBatchError,
} from './read-errors.ts';

/** Records from an offset on. */
interface RecordSlice {
  /** Committed records in order. Offsets of transaction markers, aborted and compacted records have none. */
  readonly records: readonly LogRecord[];
  /** The slice contains everything below this offset. */
  readonly to: number;
  readonly log: LogEnds;
  /** Records fetched beyond the slice, for the next read. It can be used once. */
  readonly ahead: ReadAhead | null;
}

/** Records that were fetched, but not read yet. */
export interface ReadAhead {
  readonly offset: number;
  readonly log: LogEnds;
  /** The batch in which the slice ended; the records from `offset` on are left. */
  readonly batch: RecordBatch | null;
  readonly batches: FetchedRecords['batches'];
}

interface ReadOptions {
  readonly signal?: AbortSignal;
  /** The `ahead` of the previous read. */
  readonly ahead?: ReadAhead | null;
}

export interface RecordReader {
  /**
   * Reads the available committed records, batch by batch, up to `maxOffsets` or the size limit of a slice. A damaged batch ends the slice:
   * the next read starts at that batch and reports it.
   * @throws OffsetOutOfRangeError, UndecodableBatchError, RecordsUnavailableError, errors of kafkajs, and the signal's reason
   */
  read(from: RecordLocation, maxOffsets: number, options?: ReadOptions): Promise<RecordSlice>;
  /**
   * Waits until the partition has a committed record at or after the offset, at most about a second.
   * @throws OffsetOutOfRangeError, RecordsUnavailableError, errors of kafkajs
   */
  waitForRecords(from: RecordLocation, signal: AbortSignal): Promise<LogEnds>;
  close(): Promise<void>;
}

/** Reads all records of a range that are in the log. */
export async function* readRange(reader: RecordReader, range: OffsetRange): AsyncGenerator<RecordSlice> {
  let ahead: RecordSlice['ahead'] = null;
  for (let offset = range.from; offset < range.to;) {
    const slice: RecordSlice = await reader.read({ ...range, offset }, range.to - offset, { ahead });
    if (slice.to === offset) return;
    yield slice;
    ({ to: offset, ahead } = slice);
  }
}

/** A broker answers an empty poll after this time. A partition that begins to wait during a poll joins the next one. */
const POLL_MS = 50;
const WAIT_MS = 1000;

/**
 * Reads partitions without a consumer group. kafkajs has no `assign`, a group takes seconds to join, and its consumer silently
 * skips expired offsets, where a plain fetch fails with OFFSET_OUT_OF_RANGE (docs/decisions/0006-kafkajs.md).
 */
export function createRecordReader(kafka: Kafka): RecordReader {
  const reading = createLazyCluster(kafka);
  // A connection answers its requests in order, so a poll needs its own connections, or it would delay reads.
  const waiting = createLazyCluster(kafka);
  const poll = createPolls(waiting);

  return {
    read: (from, maxOffsets, options) => readRecords(reading, from, maxOffsets, options),
    async waitForRecords(from, signal) {
      for (const deadline = Date.now() + WAIT_MS; ;) {
        const cluster = await waiting.connected();
        const state = await poll(cluster, from);
        const { error } = state;
        if (error === 'OFFSET_OUT_OF_RANGE') throw new OffsetOutOfRangeError(from, state);
        const isOver = signal.aborted || Date.now() > deadline;
        if (error === null && (isOver || state.lastStable > from.offset)) return state;
        if (error !== null && (isOver || !STALE_METADATA_ERRORS.has(error)))
          throw new RecordsUnavailableError(from, error);
        if (error !== null) await sleep(POLL_MS);
      }
    },
    async close() {
      await Promise.allSettled([reading.close(), waiting.close()]);
    },
  };
}

/** Polls for all partitions that wait at the same broker with one request at a time. */
function createPolls(lazyCluster: LazyCluster) {
  const polls = new Map<string, DataLoader<RecordLocation, PolledPartition>>();
  const pollsOf = (nodeId: string) => {
    let running: Promise<unknown> = Promise.resolve();
    return new DataLoader<RecordLocation, PolledPartition>(
      async (locations) => {
        const answers = lazyCluster
          .connected()
          .then((cluster) => pollPartitions(cluster, nodeId, locations, POLL_MS));
        running = answers.catch(() => {});
        return answers;
      },
      { cache: false, batchScheduleFn: (send) => void running.then(() => setImmediate(send)) },
    );
  };
  return async (cluster: Cluster, location: RecordLocation): Promise<PolledPartition> => {
    const nodeId = await findLeader(cluster, location.topic, location.partition);
    const poll = polls.get(nodeId) ?? pollsOf(nodeId);
    polls.set(nodeId, poll);
    return poll.load(location);
  };
}

/** Size limit of a slice. 1,000 events usually have 0.3 MB, but of the largest size they would have 1 GB. */
const SLICE_BYTES = 16 * 1024 * 1024;
/** Limit of one fetch, compressed as in the log. */
const FETCH_BYTES = 1024 * 1024;
/** Size of a fetch per requested offset. Records beyond the slice wait in memory for the next read. */
const EXPECTED_BYTES_PER_OFFSET = 512;
const MIN_FETCH_BYTES = 64 * 1024;
/** The read fails if the broker does not return announced records within this time. */
const READ_DEADLINE_MS = 20_000;
/** Wait of a fetch for records that the broker says it has. */
const FETCH_WAIT_MS = 500;
/** Pause after a refused fetch: during a leader election every broker refuses it. */
const MOVED_PAUSE_MS = 50;
const STALE_METADATA_ERRORS = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
]);

/** A slice while it is read. */
interface Progress {
  readonly records: LogRecord[];
  bytes: number;
  nextOffset: number;
  /** The slice holds nothing at or after this offset. */
  end: number;
}

/** See `RecordReader.read`. */
export async function readRecords(
  lazyCluster: LazyCluster,
  from: RecordLocation,
  maxOffsets: number,
  { signal, ahead = null }: ReadOptions = {},
): Promise<RecordSlice> {
  const deadline = Date.now() + READ_DEADLINE_MS;
  const slice: Progress = { records: [], bytes: 0, nextOffset: from.offset, end: from.offset + maxOffsets };
  let source = ahead?.offset === from.offset ? ahead : null;
  let log = source?.log;
  for (;;) {
    signal?.throwIfAborted();
    if (log !== undefined) slice.end = Math.min(from.offset + maxOffsets, log.lastStable);
    if (log !== undefined && isFull(slice)) break;
    const at = { ...from, offset: slice.nextOffset };
    if (Date.now() > deadline) throw new RecordsUnavailableError(at, 'no records arrived');
    try {
      source ??= await fetchFrom(lazyCluster, at, slice, log === undefined ? 0 : FETCH_WAIT_MS);
      log = source?.log ?? log;
      source = source && (await addBatch(slice, source));
    } catch (error) {
      if (log === undefined || !isUndecodable(error)) throw error;
      source = null;
      if (slice.nextOffset > from.offset) break;
      throw new UndecodableBatchError(at, log, error);
    }
  }
  const to = Math.max(from.offset, Math.min(slice.nextOffset, slice.end));
  // even if the batch ends with uncommitted records, there is no committed record between `to` and the next offset
  return { records: slice.records, to, log, ahead: source && { ...source, offset: to } };
}

const isFull = ({ nextOffset, end, bytes }: Progress): boolean => nextOffset >= end || bytes >= SLICE_BYTES;

/** @returns null when another broker leads the partition now */
async function fetchFrom(
  lazyCluster: LazyCluster,
  at: RecordLocation,
  { nextOffset, end }: Progress,
  maxWaitMs: number,
): Promise<ReadAhead | null> {
  const cluster = await lazyCluster.connected();
  const nodeId = await findLeader(cluster, at.topic, at.partition);
  const maxBytes = Math.min(
    FETCH_BYTES,
    Math.max(MIN_FETCH_BYTES, (end - nextOffset) * EXPECTED_BYTES_PER_OFFSET),
  );
  const fetched = await fetchRecords(cluster, nodeId, { ...at, maxBytes, maxWaitMs });
  const { error, logStart, lastStable, high, batches } = fetched;
  if (error === null) return { offset: at.offset, log: { logStart, lastStable, high }, batch: null, batches };
  if (error === 'OFFSET_OUT_OF_RANGE') throw new OffsetOutOfRangeError(at, fetched);
  if (!STALE_METADATA_ERRORS.has(error)) throw new RecordsUnavailableError(at, error);
  await sleep(MOVED_PAUSE_MS);
  return null;
}

/**
 * Adds the committed records of the next batch until the slice is full. Skips offsets that have no such record.
 * @returns the rest of the fetched records; null if there is none
 */
async function addBatch(slice: Progress, source: ReadAhead): Promise<ReadAhead | null> {
  const batch = source.batch ?? (await source.batches.next()).value;
  if (batch === undefined) return null;
  const { messages, nextOffset } = batch;
  for (const [index, message] of messages.entries()) {
    const { offset } = message;
    if (offset < slice.nextOffset) continue;
    if (offset >= slice.end || slice.bytes >= SLICE_BYTES) {
      slice.nextOffset = Math.min(offset, slice.end);
      const rest = { messages: messages.slice(index), nextOffset };
      return { ...source, offset: slice.nextOffset, batch: rest };
    }
    slice.records.push(message);
    slice.bytes += messageBytes(message);
  }
  slice.nextOffset = Math.max(slice.nextOffset, nextOffset);
  return { ...source, offset: slice.nextOffset, batch: null };
}

/** Damaged bytes that decompress without an error make a decoder read beyond the end of a buffer: a RangeError. */
const isUndecodable = (error: unknown): error is Error =>
  error instanceof DecompressionError || error instanceof RangeError;
