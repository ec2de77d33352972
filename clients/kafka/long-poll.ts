import type { Kafka } from 'kafkajs';
import { lazyCluster, ONE_BATCH_BYTES, READ_COMMITTED } from './kafkajs/cluster.ts';

export interface LongPoll {
  /**
   * Waits until a topic holds committed records from one of these offsets on; the broker tells so within milliseconds.
   * @returns after half a second also if there are none
   * @throws what Kafka says of the offsets, and where it is not reachable
   */
  wait(
    topic: string,
    from: readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void>;
  close(): Promise<void>;
}

/** A broker answers an empty fetch after this. What comes behind it on the connection waits as long. */
const WAIT_MS = 500;

/** Lets brokers say when there is something new, by long fetches. */
export function createLongPoll(kafka: Kafka): LongPoll {
  // A connection answers one request after the other, so each topic waits on its own.
  const clusters = new Map<string, ReturnType<typeof lazyCluster>>();
  const clusterOf = (topic: string) => {
    const cluster = clusters.get(topic) ?? lazyCluster(kafka);
    clusters.set(topic, cluster);
    return cluster.connected();
  };

  return {
    async wait(topic, from) {
      const cluster = await clusterOf(topic);
      await cluster.addTargetTopic(topic);
      await cluster.refreshMetadataIfNecessary();
      const leaders = () =>
        Object.entries(
          cluster.findLeaderForPartitions(
            topic,
            from.map(({ partition }) => partition),
          ),
        );
      // Partitions that were added since.
      if (leaders().flatMap(([, led]) => led).length < from.length) await cluster.refreshMetadata();
      const fetches = leaders().map(async ([nodeId, led]) => {
        const broker = await cluster.findBroker({ nodeId });
        const partitions = from
          .filter(({ partition }) => led.includes(partition))
          .map(({ partition, offset }) => ({
            partition,
            fetchOffset: String(offset),
            maxBytes: ONE_BATCH_BYTES,
          }));
        await broker.fetch({
          maxWaitTime: WAIT_MS,
          minBytes: 1,
          maxBytes: ONE_BATCH_BYTES,
          isolationLevel: READ_COMMITTED,
          topics: [{ topic, partitions }],
        });
      });
      if (fetches.length === 0) throw new Error(`No partition of ${topic} has a leader`);
      for (const fetch of fetches) fetch.catch(() => {}); // the first to end tells
      await Promise.race(fetches);
    },
    async close() {
      await Promise.allSettled([...clusters.values()].map((cluster) => cluster.close()));
    },
  };
}
