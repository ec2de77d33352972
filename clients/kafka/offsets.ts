import type { Kafka } from 'kafkajs';
import type { TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import { createLazyCluster, type Cluster } from './kafkajs/cluster.ts';
import { fetchCommitted, type CommittedOffset } from './kafkajs/committed-offsets.ts';
import { EARLIEST, findOffset, LATEST } from './kafkajs/list-offsets.ts';
import { findTopic, type ClusterTopic } from './kafkajs/topic-metadata.ts';
import { TopicNotFoundError } from './topic-errors.ts';

/** What a group has committed for one partition. */
interface PartitionOffset {
  readonly partition: number;
  /** The next record to read; null when the group has never committed here. */
  readonly committed: number | null;
  /** Committed in the same transaction as the offset. */
  readonly metadata: string | null;
}

interface TopicOffsets extends TopicIdentity {
  /** By ascending partition. */
  readonly partitions: readonly PartitionOffset[];
}

/** All methods repeat requests for 10 s while Kafka moves leaders and coordinators, and for 20 s while a group has no coordinator. */
export interface Offsets {
  /**
   * The committed offsets of all partitions of a topic, also of partitions without a leader. Does not wait for pending commits, so that one
   * that never ends cannot block the others; an offset may be the one before a pending commit.
   * @throws TopicNotFoundError
   */
  read(group: string, topic: string): Promise<TopicOffsets>;
  /**
   * The committed offset of one partition. Waits until a pending commit is complete.
   * @throws TopicNotFoundError when there is no such topic or partition; UNSTABLE_OFFSET_COMMIT when a commit is pending for 10 s
   */
  committed(group: string, topic: string, partition: number): Promise<CommittedOffset>;
  /**
   * The ends of the log of a partition: the first offset that is still in it, and the last stable one, below which read-committed readers
   * get everything. @throws TopicNotFoundError, LeaderNotFoundError
   */
  ends(topic: string, partition: number): Promise<{ readonly low: number; readonly high: number }>;
  /** The first offset at or after a time (ms since 1970, or before), or the end when no record is that new. @throws the same as `ends` */
  at(topic: string, partition: number, timeMs: number): Promise<number>;
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
  const offsetAt = async (topic: string, partition: number, timestamp: number): Promise<number> =>
    findOffset(await lazyCluster.connected(), { topic, partition }, timestamp);
  return {
    async read(group, topic) {
      const cluster = await lazyCluster.connected();
      const { clusterId, topicId, partitions } = await findExistingTopic(cluster, topic);
      const numbers = partitions.map(({ partition }) => partition);
      const query = { group, topic, partitions: numbers, requireStable: false };
      const committedOf = await fetchCommitted(cluster, query);
      return {
        clusterId,
        topicId,
        partitions: numbers.map((partition) => {
          const { offset, metadata } = committedOf(partition);
          return { partition, committed: offset, metadata };
        }),
      };
    },
    async committed(group, topic, partition) {
      const cluster = await lazyCluster.connected();
      const query = { group, topic, partitions: [partition], requireStable: true };
      const committed = (await fetchCommitted(cluster, query))(partition);
      // Kafka gives the same answer for a partition that does not exist and for one without a commit
      if (committed.offset === null) {
        const { partitions } = await findExistingTopic(cluster, topic);
        if (!partitions.some((existing) => existing.partition === partition))
          throw new TopicNotFoundError(topic, partition);
      }
      return committed;
    },
    async ends(topic, partition) {
      const [low, high] = await Promise.all([
        offsetAt(topic, partition, EARLIEST),
        offsetAt(topic, partition, LATEST),
      ]);
      return { low, high };
    },
    async at(topic, partition, timeMs) {
      // Read the end first: a record that arrives in between is at or after it.
      const end = await offsetAt(topic, partition, LATEST);
      // Kafka interprets negative times as the ends of the log, and no record is older than 0.
      const found = await offsetAt(topic, partition, Math.max(0, timeMs));
      return found < 0 ? end : found;
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
