import type { Kafka, Message, Producer, TopicMessages, Transaction } from 'kafkajs';
import { splitBySize, chooseCompression } from './message-size.ts';
import { KAFKA_RETRY } from './client.ts';

/** What one transaction writes: records and the group's position go together or not at all. */
export interface Output {
  readonly records: readonly { readonly topic: string; readonly messages: readonly Message[] }[];
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Next offset to read. */
  readonly offset: number;
  readonly metadata: string;
}

/** A transaction that fences every older holder of its id; to be committed or abandoned. */
export interface FencedTransaction {
  /** False when this process has held the id since an earlier transaction, so that nobody was fenced now. */
  readonly fresh: boolean;
  /**
   * The offset that this process committed last under the id it holds, null when fresh. Kafka may tell an older one for some
   * milliseconds after a commit, until its marker is written; whoever takes the id anew is told when that is done.
   */
  readonly lastOffset: number | null;
  commit(output: Output): Promise<void>;
  /** Nothing was written: the producer stays good for the next range. */
  abandon(): Promise<void>;
}

export interface Transactions {
  /**
   * Begins a transaction under a stable id. A fresh producer fences all older ones and ends what they left open; one that
   * this process holds from its last commit is used again, unless `fresh` is asked for.
   */
  begin(transactionalId: string, options?: { fresh?: boolean }): Promise<FencedTransaction>;
  close(): Promise<void>;
}

/** A transaction begins at its first send and ends within ms; one that died holds up readers until this passed. */
const TRANSACTION_TIMEOUT_MS = 15_000;

interface Held {
  readonly producer: Producer;
  busy: boolean;
  lastOffset: number | null;
}

/**
 * One transactional producer per id, living as long as the worker. After any failed commit or abort it is thrown away:
 * kafkajs refuses to use it again, and only a new InitProducerId settles what became of the transaction (packages.md,
 * transaction design 2–4).
 */
export function createTransactions(kafka: Kafka): Transactions {
  const held = new Map<string, Held>();

  async function discard(transactionalId: string, owner: Held): Promise<void> {
    if (held.get(transactionalId) === owner) held.delete(transactionalId);
    await owner.producer.disconnect().catch(() => {}); // it is being thrown away; its socket closes with it
  }

  async function open(transactionalId: string): Promise<Held> {
    const producer = kafka.producer({
      transactionalId,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      allowAutoTopicCreation: false,
      retry: KAFKA_RETRY,
    });
    await producer.connect();
    const owner = { producer, busy: true, lastOffset: null };
    held.set(transactionalId, owner);
    return owner;
  }

  return {
    async begin(transactionalId, { fresh = false } = {}) {
      const earlier = held.get(transactionalId);
      // Busy: an attempt of this process hangs. It must not share a producer with its successor.
      if (earlier && (fresh || earlier.busy)) await discard(transactionalId, earlier);
      const reused = earlier !== undefined && !fresh && !earlier.busy;
      const owner = reused ? earlier : await open(transactionalId);
      owner.busy = true;
      let transaction: Transaction;
      try {
        transaction = await owner.producer.transaction();
      } catch (error) {
        await discard(transactionalId, owner);
        throw error;
      }
      const settle = async (work: () => Promise<void>) => {
        try {
          await work();
          owner.busy = false;
        } catch (error) {
          await discard(transactionalId, owner);
          throw error;
        }
      };
      return {
        fresh: !reused,
        lastOffset: owner.lastOffset,
        commit: (output) =>
          settle(async () => {
            await commit(transaction, output);
            owner.lastOffset = output.offset;
          }),
        abandon: () => settle(() => transaction.abort()),
      };
    },
    async close() {
      await Promise.all([...held].map(([transactionalId, owner]) => discard(transactionalId, owner)));
    },
  };
}

async function commit(transaction: Transaction, output: Output): Promise<void> {
  // Records first: sendOffsets as the first call of a transaction fails (packages.md, 1 B).
  const all = output.records.flatMap(({ topic, messages }) =>
    messages.map((message) => ({ topic, message })),
  );
  for (const run of splitBySize(all, ({ message }) => message))
    await transaction.sendBatch({
      acks: -1,
      compression: chooseCompression(run.map(({ message }) => message)),
      topicMessages: byTopic(run),
    });
  const position = { partition: output.partition, offset: String(output.offset), metadata: output.metadata };
  await transaction.sendOffsets({
    consumerGroupId: output.group,
    topics: [{ topic: output.topic, partitions: [position] }],
  });
  await transaction.commit();
}

function byTopic(run: readonly { topic: string; message: Message }[]): TopicMessages[] {
  const messages = new Map<string, Message[]>();
  for (const { topic, message } of run) {
    const of = messages.get(topic);
    if (of === undefined) messages.set(topic, [message]);
    else of.push(message);
  }
  return [...messages].map(([topic, of]) => ({ topic, messages: of }));
}
