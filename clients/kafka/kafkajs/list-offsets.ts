import type { TopicPartition } from '../../../domain/kafka-location.ts';
import { type Cluster, type ClusterBroker, READ_COMMITTED } from './cluster.ts';
import { withRetry } from './retry.ts';
import { findLeader, forgetTopic } from './topic-metadata.ts';

/** Stands for the first offset in the log, instead of a time. */
export const EARLIEST = -2;
/** Stands for the last stable offset, instead of a time. */
export const LATEST = -1;

/**
 * Finds an offset in a partition.
 * @param timestamp `EARLIEST`, `LATEST`, or a time (ms since 1970): the first offset at or after it
 * @returns -1 when no record is as late
 * @throws TopicNotFoundError, and errors of kafkajs that last longer than 10 s
 */
export function findOffset(cluster: Cluster, location: TopicPartition, timestamp: number): Promise<number> {
  const { topic, partition } = location;
  return withRetry(async () => {
    const nodeId = await findLeader(cluster, topic, partition);
    try {
      return await askForOffset(await cluster.findBroker({ nodeId }), location, timestamp, READ_COMMITTED);
    } catch (error) {
      forgetTopic(cluster, topic); // its leaders may have moved
      throw error;
    }
  });
}

/** As `findOffset`, with one request to the broker that leads the partition. */
export async function askForOffset(
  broker: ClusterBroker,
  { topic, partition }: TopicPartition,
  timestamp: number,
  isolationLevel: number,
): Promise<number> {
  const topics = [{ topic, partitions: [{ partition, timestamp }] }];
  const { responses } = await broker.listOffsets({ isolationLevel, topics });
  const found = responses[0]?.partitions[0];
  // Unknown is not the same as empty.
  if (found === undefined) throw new Error(`Kafka returned no offset of partition ${partition} of ${topic}`);
  return Number(found.offset);
}
