import { READ_COMMITTED, type Cluster } from './cluster.ts';
import { withRetry } from './retry.ts';
import { findLeaders, forgetTopic } from './topic-metadata.ts';

/** Stands for the first offset in the log, instead of a time. */
export const EARLIEST = -2;
/** Stands for the last stable offset, instead of a time. */
export const LATEST = -1;

/**
 * Finds an offset in each partition.
 * @param timestamp `EARLIEST`, `LATEST`, or a time (ms since 1970): the first offset at or after it
 * @returns by partition; -1 when no record is as late
 * @throws TopicNotFoundError, and errors of kafkajs that last longer than 10 s
 */
export function listOffsets(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  timestamp: number,
): Promise<Map<number, number>> {
  return withRetry(async () => {
    const leaders = await findLeaders(cluster, topic, partitions);
    try {
      const found = await Promise.all(
        [...leaders].map(async ([nodeId, led]) => {
          const broker = await cluster.findBroker({ nodeId });
          const { responses } = await broker.listOffsets({
            isolationLevel: READ_COMMITTED,
            topics: [{ topic, partitions: led.map((partition) => ({ partition, timestamp })) }],
          });
          return responses.flatMap((response) => response.partitions);
        }),
      );
      return new Map(found.flat().map(({ partition, offset }) => [partition, Number(offset)]));
    } catch (error) {
      forgetTopic(cluster, topic); // its leaders may have moved
      throw error;
    }
  });
}
