import type { Kafka } from 'kafkajs';
import type { TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import { createLazyCluster, type Cluster } from './kafkajs/cluster.ts';
import { fetchCommitted, type CommittedOffset } from './kafkajs/committed-offsets.ts';
import { EARLIEST, LATEST, listOffsets } from './kafkajs/list-offsets.ts';
import { findTopic, type ClusterTopic } from './kafkajs/topic-metadata.ts';
import { TopicNotFoundError } from './topic-errors.ts';

/** The offsets of one group and one partition. Each offset is that of the next record to read. */
interface PartitionOffsets {
  readonly partition: number;
  /** Null when the group has never committed here. */
  readonly committed: number | null;
  /** Committed in the same transaction as the offset. */
  readonly metadata: string | null;
  /** The first offset that is still in the log. */
  readonly low: number;
  /** The last stable offset: read-committed readers get everything below it. */
  readonly high: number;
}

interface TopicOffsets extends TopicIdentity {
  /** By ascending partition. */
  readonly partitions: readonly PartitionOffsets[];
}

/** All methods repeat requests for 10 s while Kafka moves leaders and coordinators. */
export interface Offsets {
  /**
   * The offsets of all partitions of a topic. Does not wait for a pending commit, so that one which never ends cannot block the
   * others: the committed offset may be the one before it.
   * @throws TopicNotFoundError
   */
  read(group: string, topic: string): Promise<TopicOffsets>;
  /**
   * The committed offset of one partition. Waits until a pending commit is complete.
   * @throws TopicNotFoundError when there is no such topic or partition; UNSTABLE_OFFSET_COMMIT when a commit is pending for 10 s
   */
  committed(group: string, topic: string, partition: number): Promise<CommittedOffset>;
  /** For each partition the first offset at or after a time (ms since 1970, or before), or the end offset if no record is that new. */
  at(topic: string, timeMs: number): Promise<Map<number, number>>;
  /** The ids of the cluster and of the topic, and its number of partitions, at most 2 s old. @throws TopicNotFoundError */
  topic(topic: string): Promise<TopicIdentity & { readonly partitionCount: number }>;
  close(): Promise<void>;
}

const TOPIC_MAX_AGE_MS = 2000;

/**
 * Reads committed offsets. Kafka holds the scoring position (docs/decisions/0001-kafka-holds-the-position.md). Looks up the
 * partitions of a topic on each call, so added partitions are noticed immediately.
 */
export function createOffsets(kafka: Kafka): Offsets {
  const lazyCluster = createLazyCluster(kafka);
  return {
    async read(group, topic) {
      const cluster = await lazyCluster.connected();
      const { clusterId, topicId, partitions } = await findExistingTopic(cluster, topic);
      const numbers = partitions.map(({ partition }) => partition);
      const [committed, low, high] = await Promise.all([
        fetchCommitted(cluster, { group, topic, partitions: numbers, requireStable: false }),
        listOffsets(cluster, topic, numbers, EARLIEST),
        listOffsets(cluster, topic, numbers, LATEST),
      ]);
      return {
        clusterId,
        topicId,
        partitions: numbers.map((partition) => {
          const { offset, metadata } = valueOf(committed, topic, partition);
          return {
            ...{ partition, committed: offset, metadata },
            low: valueOf(low, topic, partition),
            high: valueOf(high, topic, partition),
          };
        }),
      };
    },
    async committed(group, topic, partition) {
      const cluster = await lazyCluster.connected();
      const query = { group, topic, partitions: [partition], requireStable: true };
      const committed = valueOf(await fetchCommitted(cluster, query), topic, partition);
      // Kafka answers for a partition that does not exist as for one where the group has never committed.
      if (committed.offset === null) {
        const { partitions } = await findExistingTopic(cluster, topic);
        if (!partitions.some((existing) => existing.partition === partition))
          throw new TopicNotFoundError(topic, partition);
      }
      return committed;
    },
    async at(topic, timeMs) {
      const cluster = await lazyCluster.connected();
      const { partitions } = await findExistingTopic(cluster, topic);
      const numbers = partitions.map(({ partition }) => partition);
      // The ends first: a record that arrives in between is at or after the end.
      const ends = await listOffsets(cluster, topic, numbers, LATEST);
      // No record is older, and Kafka reads negative times as the ends of the log.
      const found = await listOffsets(cluster, topic, numbers, Math.max(0, timeMs));
      return new Map([...found].map(([p, offset]) => [p, offset < 0 ? valueOf(ends, topic, p) : offset]));
    },
    async topic(topic) {
      const found = await findExistingTopic(await lazyCluster.connected(), topic, TOPIC_MAX_AGE_MS);
      const { clusterId, topicId, partitions } = found;
      return { clusterId, topicId, partitionCount: partitions.length };
    },
    close: () => lazyCluster.close(),
  };
}

async function findExistingTopic(cluster: Cluster, topic: string, maxAgeMs = 0): Promise<ClusterTopic> {
  const found = await findTopic(cluster, topic, maxAgeMs);
  if (found === null) throw new TopicNotFoundError(topic);
  return found;
}

/** @throws Error when Kafka's response does not contain the partition: unknown is not the same as empty */
function valueOf<T>(values: ReadonlyMap<number, T>, topic: string, partition: number): T {
  const value = values.get(partition);
  if (value === undefined) throw new Error(`Kafka returned no offset of partition ${partition} of ${topic}`);
  return value;
}
