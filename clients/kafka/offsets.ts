import DataLoader from 'dataloader';
import type { Admin, Kafka } from 'kafkajs';

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

/** What a group committed for a partition. */
interface CommittedOffset {
  /** Null when the group has never committed here. */
  readonly offset: number | null;
  readonly metadata: string | null;
}

export interface Offsets {
  /** The offsets of all partitions of a topic, by ascending partition. */
  read(group: string, topic: string): Promise<PartitionOffsets[]>;
  /** The committed offset of one partition. @throws Error when the topic has no such partition */
  committed(group: string, topic: string, partition: number): Promise<CommittedOffset>;
  /** For each partition the first offset at or after a time (ms since 1970), or the end offset when there is none. */
  at(topic: string, timeMs: number): Promise<Map<number, number>>;
  close(): Promise<void>;
}

/** @throws Error when Kafka's response does not contain the partition */
type CommittedByPartition = (partition: number) => CommittedOffset;

/** The ranges of a batch start within this time of each other, so one request answers all of them. */
const BATCH_WINDOW_MS = 2;

/**
 * Reads committed offsets. Kafka holds the scoring position (docs/decisions/0001-kafka-holds-the-position.md). kafkajs's admin
 * looks up the partitions of a topic on each call, so added partitions are noticed immediately.
 */
export function createOffsets(kafka: Kafka): Offsets {
  const admins = createAdmins(kafka);

  async function fetchCommitted(group: string, topic: string): Promise<CommittedByPartition> {
    const admin = await admins.connected(topic);
    const [response] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    const committed = new Map(
      (response?.partitions ?? []).map(({ partition, offset, metadata }) => [
        partition,
        { offset: Number(offset) < 0 ? null : Number(offset), metadata },
      ]),
    );
    return (partition) => {
      const found = committed.get(partition);
      // kafkajs requests only the partitions that it finds. A missing one is unknown, not one that was never committed.
      if (found === undefined)
        throw new Error(
          `Kafka returned no committed offset of ${group} for partition ${partition} of ${topic}`,
        );
      return found;
    };
  }

  /** Joins calls for the same group and topic into one request, which is sent after the last of these calls. */
  const batchedFetch = new DataLoader<string, CommittedByPartition>(
    async (keys) => {
      const distinct = [...new Set(keys)];
      const results = await Promise.allSettled(
        distinct.map((key) => {
          const [group = '', topic = ''] = JSON.parse(key) as string[];
          return fetchCommitted(group, topic);
        }),
      );
      return keys.map((key) => {
        const result = results[distinct.indexOf(key)];
        return result?.status === 'fulfilled' ? result.value : (result?.reason as Error);
      });
    },
    { cache: false, batchScheduleFn: (send) => setTimeout(send, BATCH_WINDOW_MS) },
  );

  return {
    async read(group, topic) {
      const [committedFor, ends] = await Promise.all([
        fetchCommitted(group, topic),
        admins.connected(topic).then((admin) => admin.fetchTopicOffsets(topic)),
      ]);
      return ends
        .map(({ partition, low, high }) => {
          const { offset: committed, metadata } = committedFor(partition);
          return { partition, committed, metadata, low: Number(low), high: Number(high) };
        })
        .sort((a, b) => a.partition - b.partition);
    },
    async committed(group, topic, partition) {
      return (await batchedFetch.load(JSON.stringify([group, topic])))(partition);
    },
    async at(topic, timeMs) {
      const admin = await admins.connected(topic);
      const found = await admin.fetchTopicOffsetsByTimestamp(topic, timeMs);
      return new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
    },
    close: () => admins.close(),
  };
}

/**
 * One admin client per topic, connected on first use. Two topics on one admin client evict each other's metadata, and
 * fetchTopicOffsets then finds no leader.
 */
function createAdmins(kafka: Kafka) {
  const admins = new Map<string, Promise<Admin>>();
  return {
    async connected(topic: string): Promise<Admin> {
      const admin = admins.get(topic) ?? connect(kafka);
      admins.set(topic, admin);
      try {
        return await admin;
      } catch (error) {
        admins.delete(topic);
        throw error;
      }
    },
    async close(): Promise<void> {
      await Promise.allSettled([...admins.values()].map(async (admin) => (await admin).disconnect()));
    },
  };
}

async function connect(kafka: Kafka): Promise<Admin> {
  const admin = kafka.admin();
  await admin.connect();
  return admin;
}
