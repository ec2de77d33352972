import type { Kafka, KafkaMessage } from 'kafkajs';
import {
  lazyCluster,
  ONE_BATCH_BYTES,
  READ_COMMITTED,
  type Cluster,
  type FetchedPartition,
} from './kafkajs/cluster.ts';
import { DecompressionError } from './kafkajs/codecs.ts';
import { kafkaErrorType } from './client.ts';
import { readCommitted } from './kafkajs/read-committed.ts';

/** One record of an input topic, bytes as they are in the log. */
export interface InputRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: NonNullable<KafkaMessage['headers']>;
  readonly timestampMs: number;
}

/** Offsets [from, to) of one partition. */
export interface OffsetRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** The log does not have the wanted offsets (any more, or yet). */
export class OffsetsUnavailableError extends Error {
  readonly code = 'KAFKA_OFFSETS_UNAVAILABLE';
  constructor({ topic, partition, from, to }: OffsetRange, detail: string) {
    super(`${topic}/${partition} [${from}, ${to}): ${detail}`);
    this.name = 'OffsetsUnavailableError';
  }
}

/** The batch that holds an offset cannot be decoded: it is damaged where the broker keeps it. */
export class UndecodableBatchError extends Error {
  readonly code = 'KAFKA_BATCH_UNDECODABLE';
  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly offset: number,
    cause: Error,
  ) {
    super(
      `${topic}/${partition}: the batch that holds offset ${offset} cannot be decoded (${cause.message}); restore it from a replica, or seek beyond it`,
      { cause },
    );
    this.name = 'UndecodableBatchError';
  }
}

/** The beginning of a range, or all of it. */
export interface RecordSlice {
  /** Committed ones, in order; offsets of markers, aborted and compacted records are passed over. */
  readonly records: readonly InputRecord[];
  /** Everything below this offset is here; the end of the range where it is all of it. */
  readonly to: number;
}

export interface RangeReader {
  /** As much of the range as memory should hold at once: what is left is to be read next. Never nothing of it. */
  read(range: OffsetRange, signal?: AbortSignal): Promise<RecordSlice>;
  /**
   * Starts reading a range that will be asked for next; at most one a partition is held.
   * @returns what `read` will give, undefined of an empty range
   */
  readAhead(range: OffsetRange): Promise<RecordSlice> | undefined;
  close(): Promise<void>;
}

/** A range slice by slice. */
export async function* readSlices(reader: RangeReader, range: OffsetRange): AsyncGenerator<RecordSlice> {
  for (let { from } = range; from < range.to;) {
    const slice = await reader.read({ ...range, from });
    yield slice;
    from = slice.to;
  }
}

/** No more is read once a slice holds this: a thousand events have 0.3 MB, a thousand of the largest would have 1 GB. */
const SLICE_BYTES = 16 * 1024 * 1024;
/** A fetch brings at most this, compressed as it is in the log; a single larger batch comes all the same. */
const FETCH_BYTES = 1024 * 1024;
/** What a fetch asks for by the number of its offsets: what it brings beyond them is decoded in vain. */
const EXPECTED_BYTES = 1024;
const LEAST_FETCH_BYTES = 64 * 1024;
const FETCH_WAIT_MS = 500;
/** The planner saw the offsets as stable, so they are there; a broker that does not give them within this is in trouble. */
const READ_DEADLINE_MS = 20_000;
const STALE_METADATA = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
]);

/**
 * Reads exact offset ranges without a consumer group: kafkajs has no `assign`, a group costs seconds to join, and its
 * consumer jumps over expired offsets silently where a plain fetch says OFFSET_OUT_OF_RANGE (packages.md, 1 D–G).
 */
export function createRangeReader(kafka: Kafka): RangeReader {
  const { connected, close } = lazyCluster(kafka);

  async function fetch(
    cluster: Cluster,
    range: OffsetRange,
    position: number,
    maxBytes: number,
  ): Promise<FetchedPartition> {
    await cluster.addTargetTopic(range.topic);
    await cluster.refreshMetadataIfNecessary();
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(range.topic, [range.partition]));
    if (nodeId === undefined) throw new OffsetsUnavailableError(range, 'the partition has no leader');
    const broker = await cluster.findBroker({ nodeId });
    const { responses } = await broker.fetch({
      maxWaitTime: FETCH_WAIT_MS,
      minBytes: 1,
      maxBytes,
      isolationLevel: READ_COMMITTED,
      topics: [
        {
          topic: range.topic,
          partitions: [{ partition: range.partition, fetchOffset: String(position), maxBytes }],
        },
      ],
    });
    const fetched = responses[0]?.partitions[0];
    if (fetched === undefined)
      throw new OffsetsUnavailableError(range, 'the broker answered without the partition');
    return fetched;
  }

  async function readNow(range: OffsetRange, signal?: AbortSignal): Promise<RecordSlice> {
    const records: InputRecord[] = [];
    const deadline = Date.now() + READ_DEADLINE_MS;
    let position = range.from;
    let bytes = 0;
    let batchByBatch = false;
    while (position < range.to && bytes < SLICE_BYTES) {
      signal?.throwIfAborted();
      if (Date.now() > deadline)
        throw new OffsetsUnavailableError(range, `nothing came after offset ${position}`);
      const cluster = await connected();
      try {
        const maxBytes = batchByBatch ? ONE_BATCH_BYTES : fetchBytes(range.to - position);
        const { messages, abortedTransactions } = await fetch(cluster, range, position, maxBytes);
        for (const message of readCommitted(messages, abortedTransactions)) {
          const offset = Number(message.offset);
          if (offset < position || offset >= range.to) continue;
          if (bytes >= SLICE_BYTES) return { records, to: offset };
          records.push(toInput(message, offset));
          bytes += (message.key?.length ?? 0) + (message.value?.length ?? 0);
        }
        position = Math.max(position, ...messages.slice(-1).map(endOfBatch));
      } catch (error) {
        if (isUndecodable(error)) {
          // One bad batch fails the whole answer: batch by batch, all before it is read first, and then it is named.
          if (batchByBatch && position > range.from) break;
          if (batchByBatch) throw new UndecodableBatchError(range.topic, range.partition, position, error);
          batchByBatch = true;
          continue;
        }
        const type = kafkaErrorType(error) ?? '';
        if (type === 'OFFSET_OUT_OF_RANGE')
          throw new OffsetsUnavailableError(range, `offset ${position} is not in the log`);
        if (!STALE_METADATA.has(type)) throw error;
        await cluster.refreshMetadata();
      }
    }
    return { records, to: Math.min(position, range.to) };
  }

  const ahead = new Map<string, { range: OffsetRange; slice: Promise<RecordSlice> }>();

  return {
    async read(range, signal) {
      const place = `${range.topic}/${range.partition}`;
      const held = ahead.get(place);
      ahead.delete(place);
      if (held?.range.from !== range.from || held.range.to < range.to) return readNow(range, signal);
      try {
        return upTo(range.to, await held.slice);
      } catch {
        return readNow(range, signal);
      }
    },
    readAhead(range) {
      if (range.to <= range.from) return undefined;
      const slice = readNow(range);
      slice.catch(() => {}); // whoever reads the range tries again, and throws
      ahead.set(`${range.topic}/${range.partition}`, { range, slice });
      return slice;
    },
    close,
  };
}

const fetchBytes = (offsets: number) =>
  Math.min(FETCH_BYTES, Math.max(LEAST_FETCH_BYTES, offsets * EXPECTED_BYTES));

const upTo = (end: number, { records, to }: RecordSlice): RecordSlice =>
  to <= end ? { records, to } : { records: records.filter(({ offset }) => offset < end), to: end };

/** Bytes that unpack to nonsense make kafkajs read beyond the end of a buffer. */
const isUndecodable = (error: unknown): error is Error =>
  error instanceof DecompressionError || error instanceof RangeError;

const endOfBatch = ({ batchContext }: FetchedPartition['messages'][number]) =>
  Number(batchContext.firstOffset) + batchContext.lastOffsetDelta + 1;

const toInput = (message: KafkaMessage, offset: number): InputRecord => ({
  offset,
  key: message.key,
  value: message.value,
  headers: message.headers ?? {},
  timestampMs: Number(message.timestamp),
});
