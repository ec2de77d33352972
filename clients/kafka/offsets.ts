import DataLoader from 'dataloader';
import type { Admin, Kafka } from 'kafkajs';

/** Where a group stands in one partition, and what the partition holds. Offsets are the next to read. */
export interface PartitionOffsets {
  readonly partition: number;
  /** Null when the group has never committed here. */
  readonly committed: number | null;
  /** What was committed with the offset, in the same transaction. */
  readonly metadata: string | null;
  /** First offset still in the log. */
  readonly low: number;
  /** Last stable offset: read-committed readers get everything below. */
  readonly high: number;
}

export interface Offsets {
  read(group: string, topic: string): Promise<PartitionOffsets[]>;
  /** The committed offset of one partition, null when there is none. @throws where the topic has no such partition */
  committed(
    group: string,
    topic: string,
    partition: number,
  ): Promise<{ offset: number | null; metadata: string | null }>;
  /** The first offset at or after a time in each partition; the end where there is none. */
  at(topic: string, timeMs: number): Promise<Map<number, number>>;
  close(): Promise<void>;
}

/** Where a group stands in a partition. @throws where Kafka did not say */
type OffsetOf = (partition: number) => { readonly offset: number | null; readonly metadata: string | null };

/** Ranges of a batch begin this close to each other. */
const TOGETHER_MS = 2;

/**
 * Reads the committed offsets, which are the truth about how far the scoring is. kafkajs's admin looks for partitions anew
 * at each question, so that added ones are noticed at once.
 */
export function createOffsets(kafka: Kafka): Offsets {
  // One admin a topic: two topics on one refresh each other's metadata away (fetchTopicOffsets then finds no leader).
  const admins = new Map<string, Promise<Admin>>();
  async function connected(topic: string): Promise<Admin> {
    const admin = admins.get(topic) ?? connect(kafka);
    admins.set(topic, admin);
    try {
      return await admin;
    } catch (error) {
      admins.delete(topic);
      throw error;
    }
  }

  const offsetsOf = async (group: string, topic: string): Promise<OffsetOf> => {
    const [offsets] = await (await connected(topic)).fetchOffsets({ groupId: group, topics: [topic] });
    const found = new Map(
      (offsets?.partitions ?? []).map(({ partition, offset, metadata }) => [
        partition,
        { offset: Number(offset) < 0 ? null : Number(offset), metadata },
      ]),
    );
    /** kafkajs asks for the partitions that it finds; one that it did not ask for is not one that was never committed. */
    return (partition: number) => {
      const position = found.get(partition);
      if (position === undefined)
        throw new Error(`Kafka said nothing of where ${group} stands in partition ${partition} of ${topic}`);
      return position;
    };
  };

  /** Ranges of a batch ask at about the same moment: one question answers all, sent after the last of them asked. */
  const together = new DataLoader<string, OffsetOf>(
    async (asked) => {
      const questions = [...new Set(asked)];
      const answers = await Promise.allSettled(
        questions.map((question) => {
          const [group = '', topic = ''] = JSON.parse(question) as string[];
          return offsetsOf(group, topic);
        }),
      );
      return asked.map((question) => {
        const answer = answers[questions.indexOf(question)];
        return answer?.status === 'fulfilled' ? answer.value : (answer?.reason as Error);
      });
    },
    { cache: false, batchScheduleFn: (send) => setTimeout(send, TOGETHER_MS) },
  );

  return {
    async read(group, topic) {
      const [committedOf, ends] = await Promise.all([
        offsetsOf(group, topic),
        connected(topic).then((admin) => admin.fetchTopicOffsets(topic)),
      ]);
      return ends
        .map(({ partition, low, high }) => {
          const { offset: committed, metadata } = committedOf(partition);
          return { partition, committed, metadata, low: Number(low), high: Number(high) };
        })
        .sort((a, b) => a.partition - b.partition);
    },
    async committed(group, topic, partition) {
      return (await together.load(JSON.stringify([group, topic])))(partition);
    },
    async at(topic, timeMs) {
      const found = await (await connected(topic)).fetchTopicOffsetsByTimestamp(topic, timeMs);
      return new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
    },
    async close() {
      await Promise.allSettled([...admins.values()].map(async (admin) => (await admin).disconnect()));
    },
  };
}

async function connect(kafka: Kafka): Promise<Admin> {
  const admin = kafka.admin();
  await admin.connect();
  return admin;
}
