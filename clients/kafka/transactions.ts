import type { Kafka, Message, Producer, Transaction } from 'kafkajs';
import type { RecordLocation } from '../../domain/kafka-location.ts';
import { groupBy } from '../../domain/values/group-by.ts';
import { KAFKA_RETRY } from './client.ts';
import { createExactSender, type ExactSender } from './kafkajs/exact-sender.ts';
import { chooseCompression, splitBySize } from './message-size.ts';

/** What one transaction writes: records and the next offset to read of a group, all or nothing. */
export interface TransactionOutput extends RecordLocation {
  readonly records: readonly { readonly topic: string; readonly messages: readonly Message[] }[];
  readonly group: string;
  /** Committed with the offset. */
  readonly metadata: string;
}

/** A transaction whose producer fenced every older producer of its id. Commit or abandon it. */
export interface FencedTransaction {
  /** False when this process already held the id from an earlier transaction, so `begin` fenced no producer. */
  readonly fresh: boolean;
  /**
   * The offset that this process committed last under the held id; null when fresh. For some milliseconds after a commit,
   * until its marker is written, Kafka may return an older offset. A fresh producer waits until the marker is written.
   */
  readonly lastOffset: number | null;
  /**
   * Writes each record exactly once and the offset, or throws. A record without a key goes to the partition of the output with the
   * number of the input partition, modulo the number of partitions.
   */
  commit(output: TransactionOutput): Promise<void>;
  /**
   * Ends the transaction without output. The producer can be used for the next range. It does nothing after a failed commit:
   * only the next fence settles what became of the transaction.
   */
  abandon(): Promise<void>;
}

export interface Transactions {
  /**
   * Begins a transaction under a stable id. A fresh producer fences all older producers of the id and aborts their open
   * transactions. A producer that this process holds from its last commit is reused, unless `fresh` is set.
   */
  begin(transactionalId: string, options?: { fresh?: boolean }): Promise<FencedTransaction>;
  close(): Promise<void>;
}

/** A transaction starts with its first send and ends within milliseconds. A dead one blocks readers for this time. */
const TRANSACTION_TIMEOUT_MS = 15_000;

interface HeldProducer {
  readonly producer: Producer;
  readonly sender: ExactSender;
  busy: boolean;
  /** It is disconnected and not used again. */
  discarded: boolean;
  lastOffset: number | null;
}

/**
 * Keeps one transactional producer per id, as long as the worker runs. Discards a producer after a failed commit or abort:
 * kafkajs refuses to use it again, and only a new InitProducerId decides whether the transaction was committed
 * (docs/decisions/0009-transactions.md).
 */
export function createTransactions(kafka: Kafka): Transactions {
  const producers = new Map<string, HeldProducer>();

  async function discard(transactionalId: string, held: HeldProducer): Promise<void> {
    if (producers.get(transactionalId) === held) producers.delete(transactionalId);
    held.discarded = true;
    await held.producer.disconnect().catch(() => {}); // best effort: the producer is not used again
  }

  async function open(transactionalId: string): Promise<HeldProducer> {
    const sender = createExactSender();
    const producer = createProducer(kafka, transactionalId, sender);
    await producer.connect();
    const held = { producer, sender, busy: true, discarded: false, lastOffset: null };
    producers.set(transactionalId, held);
    return held;
  }

  return {
    async begin(transactionalId, { fresh = false } = {}) {
      const earlier = producers.get(transactionalId);
      // Busy: an attempt of this process hangs. Its retry must not share a producer with it.
      if (earlier && (fresh || earlier.busy)) await discard(transactionalId, earlier);
      const reused = earlier !== undefined && !fresh && !earlier.busy;
      const held = reused ? earlier : await open(transactionalId);
      held.busy = true;
      const discardHeld = () => discard(transactionalId, held);
      try {
        const transaction = await held.producer.transaction();
        return fencedTransaction(transaction, held, !reused, discardHeld);
      } catch (error) {
        await discardHeld();
        throw error;
      }
    },
    async close() {
      await Promise.all([...producers].map(([transactionalId, held]) => discard(transactionalId, held)));
    },
  };
}

const createProducer = (kafka: Kafka, transactionalId: string, sender: ExactSender): Producer =>
  kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    allowAutoTopicCreation: false,
    retry: KAFKA_RETRY,
    createPartitioner: sender.createPartitioner,
  });

function fencedTransaction(
  transaction: Transaction,
  held: HeldProducer,
  fresh: boolean,
  discard: () => Promise<void>,
): FencedTransaction {
  const settle = async (work: () => Promise<void>) => {
    try {
      await work();
      held.busy = false;
    } catch (error) {
      await discard();
      throw error;
    }
  };
  return {
    fresh,
    lastOffset: held.lastOffset,
    commit: (output) =>
      settle(async () => {
        await commit(transaction, held.sender, output);
        held.lastOffset = output.offset;
      }),
    async abandon() {
      // A request of a failed send may still be on its way. An abort could be written before it, and its records would then belong
      // to no transaction and block all readers. The next fence makes the broker refuse it.
      if (!held.discarded) await settle(() => transaction.abort());
    },
  };
}

async function commit(
  transaction: Transaction,
  sender: ExactSender,
  output: TransactionOutput,
): Promise<void> {
  const { partition, offset, metadata } = output;
  const items = output.records.flatMap(({ topic, messages }) =>
    messages.map((message) => ({ topic, message })),
  );
  // Send records first: sendOffsets fails as the first call of a transaction (docs/decisions/0006-kafkajs.md).
  for (const run of splitBySize(items, ({ message }) => message))
    await sender.sendBatch(
      transaction,
      {
        acks: -1,
        compression: chooseCompression(run.map(({ message }) => message)),
        topicMessages: [...groupBy(run, ({ topic }) => topic)].map(([topic, sent]) => ({
          topic,
          messages: sent.map(({ message }) => message),
        })),
      },
      partition,
    );
  // A variable, because kafkajs's type lacks the metadata that it sends.
  const committed = { partition, offset: String(offset), metadata };
  await transaction.sendOffsets({
    consumerGroupId: output.group,
    topics: [{ topic: output.topic, partitions: [committed] }],
  });
  await transaction.commit();
}
