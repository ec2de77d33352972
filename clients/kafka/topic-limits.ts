import kafkajs, { type Kafka } from 'kafkajs';
import { kafkaErrorType } from './client.ts';
import { createLazyCluster } from './kafkajs/cluster.ts';
import { withRetry } from './kafkajs/retry.ts';

/** The largest batch that a topic accepts. */
export interface TopicLimit {
  readonly topic: string;
  readonly bytes: number;
  /** The setting of the topic that says so. */
  readonly setting: string;
}

/** Limits of output topics. Operators may change them at any time. */
export interface TopicLimits {
  /** The limits of some topics, at most a minute old. @throws connection errors that last longer than 10 s */
  of(topics: readonly string[]): Promise<ReadonlyMap<string, TopicLimit>>;
  /** Makes the next call of `of` read the limit again, after it has stopped a commit: an operator may raise it. */
  forget(topic: string): void;
  /** As `forget`, after a broker has refused a batch within this limit. */
  refused(limit: TopicLimit): void;
  close(): Promise<void>;
}

const MAX_AGE_MS = 60_000;
/** Kafka's default, for a topic whose settings this client may not read. */
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
    // The settings do not tell the limit, or cannot be read. Each refusal halves what is sent until the worker ends.
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
