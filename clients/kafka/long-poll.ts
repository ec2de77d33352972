import type { Kafka } from 'kafkajs';
import type { PartitionOffset } from '../../domain/kafka-location.ts';
import {
  createLazyCluster,
  ONE_BATCH_BYTES,
  READ_COMMITTED,
  type Cluster,
  type LazyCluster,
} from './kafkajs/cluster.ts';

export interface LongPoll {
  /**
   * Waits until a topic has a committed record at or after one of these offsets. The broker reports it within milliseconds.
   * @returns after 500 ms when there is none
   * @throws the broker's error for an offset or a topic, and connection errors
   */
  wait(topic: string, from: readonly PartitionOffset[]): Promise<void>;
  close(): Promise<void>;
}

/** A broker answers an empty fetch after this time. Later requests on the same connection wait for it. */
const WAIT_MS = 500;

/** Waits for new records with fetches that the broker answers when a record arrives. */
export function createLongPoll(kafka: Kafka): LongPoll {
  // A connection answers its requests one after the other, so each topic has its own.
  const clusters = new Map<string, LazyCluster>();
  const connected = (topic: string) => {
    const cluster = clusters.get(topic) ?? createLazyCluster(kafka);
    clusters.set(topic, cluster);
    return cluster.connected();
  };

  return {
    async wait(topic, from) {
      const cluster = await connected(topic);
      const leaders = await findLeaders(cluster, topic, from);
      const fetches = leaders.map(([nodeId, partitions]) =>
        fetchFromLeader(
          cluster,
          nodeId,
          topic,
          from.filter(({ partition }) => partitions.includes(partition)),
        ),
      );
      if (fetches.length === 0) throw new Error(`No partition of ${topic} has a leader`);
      for (const fetch of fetches) fetch.catch(() => {}); // the first fetch to end decides; the others may fail later
      await Promise.race(fetches);
    },
    async close() {
      await Promise.allSettled([...clusters.values()].map((cluster) => cluster.close()));
    },
  };
}

/** The nodes that lead these partitions, each with the partitions that it leads. */
async function findLeaders(
  cluster: Cluster,
  topic: string,
  from: readonly PartitionOffset[],
): Promise<[nodeId: string, partitions: number[]][]> {
  await cluster.addTargetTopic(topic);
  await cluster.refreshMetadataIfNecessary();
  const partitions = from.map(({ partition }) => partition);
  const leaders = () => Object.entries(cluster.findLeaderForPartitions(topic, partitions));
  // The metadata may be older than added partitions.
  if (leaders().flatMap(([, led]) => led).length < from.length) await cluster.refreshMetadata();
  return leaders();
}

async function fetchFromLeader(
  cluster: Cluster,
  nodeId: string,
  topic: string,
  from: readonly PartitionOffset[],
): Promise<void> {
  const broker = await cluster.findBroker({ nodeId });
  await broker.fetch({
    maxWaitTime: WAIT_MS,
    minBytes: 1,
    maxBytes: ONE_BATCH_BYTES,
    isolationLevel: READ_COMMITTED,
    topics: [
      {
        topic,
        partitions: from.map(({ partition, offset }) => ({
          partition,
          fetchOffset: String(offset),
          maxBytes: ONE_BATCH_BYTES,
        })),
      },
    ],
  });
}
