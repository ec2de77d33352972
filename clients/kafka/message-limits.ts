import kafkajs, { type Kafka, type Message } from 'kafkajs';
import { kafkaErrorType } from './client.ts';
import { HEADER_BYTES } from './kafkajs/decode-records.ts';
import { batchBytes } from './kafkajs/batch-size.ts';
import { createLazyCluster } from './kafkajs/cluster.ts';
import { withRetry } from './kafkajs/retry.ts';

/** The largest batch that a topic accepts. */
export interface TopicLimit {
  readonly topic: string;
  readonly bytes: number;
  /** The name of the topic setting with this limit. */
  readonly setting: string;
}

/** Limits of output topics. Operators may change them at any time. */
export interface TopicLimits {
  /** The limits of some topics, at most a minute old. @throws connection errors that last longer than 10 s */
  of(topics: readonly string[]): Promise<ReadonlyMap<string, TopicLimit>>;
  /** Makes the next call of `of` read the limit again. Call it after the limit has stopped a commit, because an operator may raise it. */
  forget(topic: string): void;
  /** Like `forget`; call it after a broker has refused a batch within this limit. */
  refused(limit: TopicLimit): void;
  close(): Promise<void>;
}

const MAX_AGE_MS = 60_000;
/** Kafka's default, for a topic whose settings this client has no permission to read. */
const DEFAULT_BYTES = 1_048_588;
const SETTINGS = ['max.message.bytes', 'segment.bytes'];

/** Reads the limits of topics from their settings (DescribeConfigs). */
export function createTopicLimits(kafka: Kafka): TopicLimits {
  const lazyCluster = createLazyCluster(kafka);
  const known = new Map<string, { readonly readAt: number; readonly limit: Promise<TopicLimit> }>();
  const refusedBytes = new Map<string, number>();

  async function describe(topic: string): Promise<TopicLimit> {
    const cluster = await lazyCluster.connected();
    const broker = await cluster.brokerPool.findConnectedBroker();
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    const resources = [{ type, name: topic, configNames: SETTINGS }];
    const answer = await broker.describeConfigs({ resources }).catch(ignoreUnreadable);
    const limits = (answer?.resources ?? [])
      .flatMap(({ configEntries }) => configEntries)
      .map(({ configName, configValue }) => ({ topic, bytes: Number(configValue), setting: configName }))
      .filter(({ bytes }) => bytes > 0)
      .sort((a, b) => a.bytes - b.bytes);
    return limits[0] ?? { topic, bytes: DEFAULT_BYTES, setting: 'max.message.bytes' };
  }

  async function read(topic: string): Promise<TopicLimit> {
    const limit = await withRetry(() => describe(topic));
    const refused = refusedBytes.get(topic) ?? Infinity;
    if (limit.bytes < refused) {
      refusedBytes.delete(topic);
      return limit;
    }
    // the settings do not have the limit or cannot be read: each refusal halves the size of batches until the worker ends
    return { ...limit, bytes: Math.floor(refused / 2) };
  }

  function limitOf(topic: string): Promise<TopicLimit> {
    const before = known.get(topic);
    if (before !== undefined && performance.now() - before.readAt < MAX_AGE_MS) return before.limit;
    const now = { readAt: performance.now(), limit: read(topic) };
    known.set(topic, now);
    now.limit.catch(() => known.get(topic) === now && known.delete(topic));
    return now.limit;
  }

  return {
    async of(topics) {
      const limits = await Promise.all([...new Set(topics)].map(limitOf));
      return new Map(limits.map((limit) => [limit.topic, limit]));
    },
    forget: (topic) => void known.delete(topic),
    refused({ topic, bytes }) {
      refusedBytes.set(topic, bytes);
      known.delete(topic);
    },
    close: () => lazyCluster.close(),
  };
}

/** The settings of a topic that does not exist, or that this client may not read, are unknown. @throws other errors */
function ignoreUnreadable(error: unknown): undefined {
  const unreadable = [
    'TOPIC_AUTHORIZATION_FAILED',
    'CLUSTER_AUTHORIZATION_FAILED',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ];
  if (!unreadable.includes(kafkaErrorType(error) ?? '')) throw error;
}

/** Bytes that one produce request sends at most, unless it holds a single message. Larger requests are not faster. */
export const SEND_BYTES = 800_000;

/** Upper estimate of the bytes for the lengths, offset and timestamp of a record. */
const RECORD_OVERHEAD = 64;
const HEADER_OVERHEAD = 10;

type Data = Buffer | string | null | undefined;

/** A message to send, or one that was read. */
interface SizedMessage extends Pick<Message, 'key' | 'value'> {
  readonly headers?: Readonly<Record<string, Data | readonly Data[]>>;
}

/** Upper estimate of the bytes that a message takes in its batch, uncompressed. */
export function messageBytes({ key, value, headers = {} }: SizedMessage): number {
  let bytes = RECORD_OVERHEAD + byteLength(key) + byteLength(value);
  for (const [name, header] of Object.entries(headers))
    for (const headerValue of Array.isArray(header) ? (header as readonly Data[]) : [header as Data])
      bytes += HEADER_OVERHEAD + byteLength(name) + byteLength(headerValue);
  return bytes;
}

const byteLength = (data: Data) => (data == null ? 0 : Buffer.byteLength(data));

/** A message of an output topic. */
export interface TopicMessage {
  readonly topic: string;
  readonly message: Message;
}

/** Messages for one produce request. kafkajs puts those for one partition into one batch. */
export interface Send<T extends TopicMessage> {
  readonly items: readonly T[];
  readonly compression: kafkajs.CompressionTypes;
}

/** A message is larger than its topic accepts, also when it is compressed. */
export class MessageTooLargeError extends Error {
  readonly code = 'KAFKA_MESSAGE_TOO_LARGE';
  readonly topic: string;
  constructor({ topic, bytes, setting }: TopicLimit, compressedBytes: number) {
    super(
      `a record has ${compressedBytes} bytes compressed, and ${topic} accepts ${bytes} (${setting}): raise ${setting}`,
    );
    this.name = 'MessageTooLargeError';
    this.topic = topic;
  }
}

/**
 * Splits messages, in order, into sends whose batches the topics accept.
 * @param limits has every topic
 * @throws MessageTooLargeError when a message does not fit alone
 */
export async function* splitBySize<T extends TopicMessage>(
  items: readonly T[],
  limits: ReadonlyMap<string, TopicLimit>,
): AsyncGenerator<Send<T>> {
  let run: T[] = [];
  let bytes = 0;
  let maxBytes = Infinity;
  for (const item of items) {
    const size = messageBytes(item.message);
    const limit = Math.min(SEND_BYTES, limitOf(item, limits).bytes - HEADER_BYTES);
    if (run.length > 0 && bytes + size > Math.min(maxBytes, limit)) {
      yield await toSend(run, limits);
      [run, bytes, maxBytes] = [[], 0, Infinity];
    }
    run.push(item);
    bytes += size;
    maxBytes = Math.min(maxBytes, limit);
  }
  if (run.length > 0) yield await toSend(run, limits);
}

async function toSend<T extends TopicMessage>(
  run: readonly T[],
  limits: ReadonlyMap<string, TopicLimit>,
): Promise<Send<T>> {
  const [first, ...others] = run;
  if (first === undefined || others.length > 0)
    return { items: run, compression: kafkajs.CompressionTypes.None };
  // Only a run of one message can exceed the limit.
  const compression = await fitAlone(first.message, limitOf(first, limits));
  if (compression instanceof MessageTooLargeError) throw compression;
  return { items: run, compression };
}

/**
 * Whether a topic accepts a message that is sent alone. Brokers check the compressed size, so a record that arrived compressed may fit only
 * when it is compressed.
 * @returns the compression with which it fits, or the error
 */
export async function fitAlone(
  message: Message,
  limit: TopicLimit,
): Promise<kafkajs.CompressionTypes | MessageTooLargeError> {
  const { None, GZIP } = kafkajs.CompressionTypes;
  if (surelyFits(message, limit) || (await batchBytes(message, None)) <= limit.bytes) return None;
  const compressedBytes = await batchBytes(message, GZIP);
  return compressedBytes <= limit.bytes ? GZIP : new MessageTooLargeError(limit, compressedBytes);
}

/** Whether a topic accepts a message for certain. It answers at once; a promise for each of many small messages would cost more. */
export const surelyFits = (message: Message, limit: TopicLimit | undefined): boolean =>
  limit !== undefined && messageBytes(message) + HEADER_BYTES <= limit.bytes;

/** Why a topic does not accept a message that is sent alone; null when it does, and when its limit is not known. */
export async function whyTooLarge(
  { topic, message }: TopicMessage,
  limits: ReadonlyMap<string, TopicLimit>,
): Promise<string | null> {
  const limit = limits.get(topic);
  const fit = limit && (await fitAlone(message, limit));
  return fit instanceof MessageTooLargeError ? fit.message : null;
}

function limitOf({ topic }: TopicMessage, limits: ReadonlyMap<string, TopicLimit>): TopicLimit {
  const limit = limits.get(topic);
  if (limit === undefined) throw new TypeError(`The limit of ${topic} is not known`);
  return limit;
}
