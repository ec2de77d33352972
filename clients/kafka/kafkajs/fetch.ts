import { createRequire } from 'node:module';
import type { RecordLocation, TopicPartition } from '../../../domain/kafka-location.ts';
import type { LogEnds } from '../read-errors.ts';
import { groupBy } from '../../../domain/values/lists.ts';
import { type Cluster, type ClusterBroker, ONE_BATCH_BYTES, READ_COMMITTED } from './cluster.ts';
import { type DecodedRecord, decodeRecordBatches, type RecordBatch } from './decode-records.ts';
import { askForOffset, EARLIEST, LATEST } from './list-offsets.ts';
import { type Decoder, errorType, type Request, sendRequest, throwIfError } from './send-request.ts';
import { forgetTopic } from './topic-metadata.ts';

// Fault:       kafkajs 2.2.4 decodes all records of a fetch response, and throws when one partition has an error.
// Consequence: one damaged batch or expired offset hides all other partitions of the request.
// Remedy:      decode the response here, partition by partition.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

/** What a broker says about a partition. The offsets are -1 after an error other than `OFFSET_OUT_OF_RANGE`. */
export interface PolledPartition extends TopicPartition, LogEnds {
  /** Kafka's name of the error, for example `OFFSET_OUT_OF_RANGE`; null when the partition answered. */
  readonly error: string | null;
}

export interface FetchedRecords extends PolledPartition {
  /**
   * The batches of the response, complete ones, with their committed records: some may be before the requested offset. Each is decoded
   * when it is asked for, which throws DecompressionError or RangeError when it is damaged.
   */
  readonly batches: AsyncIterator<RecordBatch, undefined>;
}

interface RecordsRequest extends RecordLocation {
  /** Limit of the response in bytes, compressed as in the log. One larger batch comes nevertheless. */
  readonly maxBytes: number;
  /** Wait at most this long for a record. */
  readonly maxWaitMs: number;
}

/** An aborted transaction. A fetch response lists all that overlap the fetched records. */
interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

/** A partition of a response, its records as they are in the log. */
interface FetchedBytes extends PolledPartition {
  readonly abortedTransactions: readonly AbortedTransaction[];
  readonly records: Buffer;
}

const fetchVersions = createRequire(import.meta.url)('kafkajs/src/protocol/requests/fetch') as {
  protocol: (options: { version: number }) => (fetch: object) => { request: Request };
};
/** Kafka 2.3 and later, and Redpanda. kafkajs cannot encode a later version. */
const fetchProtocol = fetchVersions.protocol({ version: 11 });

/**
 * Waits at a broker until one of the partitions that it leads has a committed record at or after its offset. A partition with an
 * error ends the wait. The connection answers later fetches afterwards only, so do not read records with the same cluster object.
 * @returns the state of each partition, in the given order
 * @throws connection errors of kafkajs
 */
export async function pollPartitions(
  cluster: Cluster,
  nodeId: string,
  partitions: readonly RecordLocation[],
  maxWaitMs: number,
): Promise<PolledPartition[]> {
  // The records are not decoded, so that a damaged batch of one partition does not hide the others.
  const fetched = await sendFetch(cluster, nodeId, partitions, ONE_BATCH_BYTES, maxWaitMs);
  return fetched.map(({ records: _, abortedTransactions: __, ...state }) => state);
}

/**
 * Fetches records of a partition from the broker that leads it.
 * @throws connection errors of kafkajs
 */
export async function fetchRecords(
  cluster: Cluster,
  nodeId: string,
  { maxBytes, maxWaitMs, ...location }: RecordsRequest,
): Promise<FetchedRecords> {
  const [fetched] = await sendFetch(cluster, nodeId, [location], maxBytes, maxWaitMs);
  if (fetched === undefined) throw new Error('unreachable: each partition has an answer');
  const { records, abortedTransactions, ...state } = fetched;
  return { ...state, batches: committedBatches(records, abortedTransactions) };
}

async function* committedBatches(
  bytes: Buffer,
  abortedTransactions: readonly AbortedTransaction[],
): AsyncGenerator<RecordBatch, undefined> {
  const isCommitted = readCommitted(abortedTransactions);
  for await (const { messages, nextOffset } of decodeRecordBatches(bytes))
    yield { messages: messages.filter(isCommitted), nextOffset };
}

// Fault:       kafkajs 2.2.4 adds at most one aborted transaction per record to its filter, and it takes a record whose key
//              is four zero bytes for an abort marker.
// Consequence: a read-committed reader gets aborted records when it starts in the middle of a log, as the record reader does.
// Remedy:      fetch raw batches and filter them here.
// Upstream:    the filter came with https://github.com/tulios/kafkajs/pull/223; no issue known.
// See docs/decisions/0006-kafkajs.md.

const ABORT_MARKER_TYPE = 0;

/**
 * Finds the messages that a read-committed reader may see: no control records and no records of aborted transactions.
 * @returns a predicate. Call it for every fetched message in offset order, including those before the requested offset.
 */
export function readCommitted(
  abortedTransactions: readonly AbortedTransaction[],
): (message: DecodedRecord) => boolean {
  const upcomingAborts = [...abortedTransactions].sort(
    (a, b) => Number(a.firstOffset) - Number(b.firstOffset),
  );
  const abortingProducers = new Set<string>();
  return (message) => {
    for (
      let next = upcomingAborts[0];
      next && Number(next.firstOffset) <= message.offset;
      next = upcomingAborts[0]
    ) {
      abortingProducers.add(next.producerId);
      upcomingAborts.shift();
    }
    const { producerId, inTransaction } = message.batchContext;
    if (message.isControlRecord) {
      // Control record key: version INT16, type INT16 (0 = abort, 1 = commit).
      if (message.key?.readInt16BE(2) === ABORT_MARKER_TYPE) abortingProducers.delete(producerId);
      return false;
    }
    return !(inTransaction && abortingProducers.has(producerId));
  };
}

/** A failed request, or an error of a partition, makes the next `findLeader` look the leaders up again. */
async function sendFetch(
  cluster: Cluster,
  nodeId: string,
  locations: readonly RecordLocation[],
  maxBytes: number,
  maxWaitMs: number,
): Promise<FetchedBytes[]> {
  try {
    const broker = await cluster.findBroker({ nodeId });
    const request = toRequest(locations, maxBytes, maxWaitMs);
    const partitions = await sendRequest(broker, request, decodeResponse, maxWaitMs + ANSWER_WITHIN_MS);
    for (const { topic, error } of partitions)
      if (error !== null && error !== OFFSET_OUT_OF_RANGE) forgetTopic(cluster, topic);
    return await Promise.all(
      locations.map(({ topic, partition }) => {
        const found = partitions.find((answer) => answer.topic === topic && answer.partition === partition);
        if (found === undefined) throw new Error(`The broker did not answer for ${topic}/${partition}`);
        return withLogEnds(broker, found);
      }),
    );
  } catch (error) {
    for (const { topic } of locations) forgetTopic(cluster, topic);
    throw error;
  }
}

function toRequest(locations: readonly RecordLocation[], maxBytes: number, maxWaitMs: number): Request {
  const topics = [...groupBy(locations, ({ topic }) => topic)];
  return fetchProtocol({
    maxWaitTime: maxWaitMs,
    minBytes: 1,
    maxBytes,
    isolationLevel: READ_COMMITTED,
    topics: topics.map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ partition, offset }) => ({
        partition,
        fetchOffset: String(offset),
        maxBytes,
      })),
    })),
  }).request;
}

/** Time that a broker has for an answer after the wait. */
const ANSWER_WITHIN_MS = 5000;

/** Fetch response version 11: https://kafka.apache.org/protocol#The_Messages_Fetch */
function decodeResponse(decoder: Decoder) {
  const throttleMs = decoder.readInt32();
  throwIfError(decoder.readInt16());
  decoder.readInt32(); // session id
  const topics = decoder.readArray(() => {
    const topic = decoder.readString() ?? '';
    return decoder.readArray(() => decodePartition(decoder, topic));
  });
  return { throttleMs, value: topics.flat() };
}

function decodePartition(decoder: Decoder, topic: string): FetchedBytes {
  const partition = decoder.readInt32();
  const error = errorType(decoder.readInt16());
  const high = Number(decoder.readInt64());
  const lastStable = Number(decoder.readInt64());
  const logStart = Number(decoder.readInt64());
  const abortedTransactions = decoder.readArray(() => ({
    producerId: decoder.readInt64().toString(),
    firstOffset: decoder.readInt64().toString(),
  }));
  decoder.readInt32(); // preferred read replica
  const records = decoder.readBytes() ?? Buffer.alloc(0);
  return { topic, partition, error, logStart, lastStable, high, abortedTransactions, records };
}

/**
 * Kafka does not tell what the log holds when the requested offset is outside of it, so ask for it.
 * @returns the state unchanged when the partition has another error meanwhile
 */
async function withLogEnds(broker: ClusterBroker, state: FetchedBytes): Promise<FetchedBytes> {
  if (state.error !== OFFSET_OUT_OF_RANGE) return state;
  const find = (timestamp: number, isolationLevel: number) =>
    askForOffset(broker, state, timestamp, isolationLevel);
  try {
    const [logStart, lastStable, high] = await Promise.all([
      find(EARLIEST, READ_COMMITTED),
      find(LATEST, READ_COMMITTED),
      find(LATEST, READ_UNCOMMITTED),
    ]);
    return { ...state, logStart, lastStable, high };
  } catch (error) {
    if (error instanceof Error && error.name === 'KafkaJSProtocolError') return state;
    throw error;
  }
}

const OFFSET_OUT_OF_RANGE = 'OFFSET_OUT_OF_RANGE';
const READ_UNCOMMITTED = 0;
