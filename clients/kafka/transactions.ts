import type { Kafka, Producer, Transaction } from 'kafkajs';
import type { RecordLocation } from '../../domain/kafka-location.ts';
import { groupBy } from '../../domain/values/lists.ts';
import { messageOf } from '../../domain/values/message-of.ts';
import { withTimeLimit } from '../../domain/values/abortable.ts';
import { KAFKA_RETRY, kafkaErrorType } from './client.ts';
import { createExactSender, type ExactSender } from './kafkajs/exact-sender.ts';
import {
  createTopicLimits,
  MessageTooLargeError,
  splitBySize,
  type TopicLimit,
  type TopicLimits,
  type TopicMessage,
} from './message-limits.ts';

/** The content of one transaction: records and the next offset of a group. */
export interface TransactionOutput extends RecordLocation {
  readonly records: readonly TopicMessage[];
  readonly group: string;
  /** Committed with the offset. */
  readonly metadata: string;
}

/** A producer that has fenced every older producer of its transactional id. */
export interface FencedProducer {
  /** The time of the fence, ms since 1970. */
  readonly fencedAtMs: number;
  /**
   * Writes each record exactly once and the offset, or throws. A record without a key goes to the partition of the output with the number
   * of the input partition, modulo the number of partitions. After an error the producer cannot be used again: close it and open another
   * one, whose fence settles the transaction.
   * @throws MessageTooLargeError, the errors of kafkajs, and an error after 20 s
   */
  commit(output: TransactionOutput): Promise<void>;
  /** The largest batches that topics accept (see `whyTooLarge`). */
  limits(topics: readonly string[]): Promise<ReadonlyMap<string, TopicLimit>>;
  /** Closes the connections. It aborts nothing: the next producer of the id ends an open transaction. */
  close(): Promise<void>;
}

export interface Transactions {
  /**
   * Opens a producer under a stable id. It fences all older producers of the id and ends their open transactions: after this, none
   * of them can commit.
   * @throws the errors of kafkajs, and an error after 15 s
   */
  open(transactionalId: string): Promise<FencedProducer>;
  close(): Promise<void>;
}

/** A transaction starts with its first send and usually ends within milliseconds. An abandoned one blocks readers for this time. */
const TRANSACTION_TIMEOUT_SECONDS = 15;
/** kafkajs tries again for minutes while brokers do not answer. The caller reports a failure, and begins again. */
const OPEN_WITHIN_SECONDS = 15;
/** The broker has ended a transaction that takes longer. */
const COMMIT_WITHIN_SECONDS = TRANSACTION_TIMEOUT_SECONDS + 5;

/** The error when Kafka has not done something in time. */
const lateError = (done: string, seconds: number) => () =>
  new Error(`Kafka has not ${done} within ${seconds} s`);

/** Opens transactional producers (docs/decisions/0009-transactions.md). */
export function createTransactions(
  kafka: Kafka,
  limits: TopicLimits = createTopicLimits(kafka),
): Transactions {
  const open = new Set<Producer>();
  const discard = async (producer: Producer) => {
    open.delete(producer);
    await producer.disconnect().catch(() => {}); // best effort: the producer is not used again
  };

  return {
    async open(transactionalId) {
      const sender = createExactSender();
      const producer = createProducer(kafka, transactionalId, sender);
      open.add(producer);
      try {
        const fence = async (signal: AbortSignal) => {
          await producer.connect();
          signal.throwIfAborted(); // a late fence would end a newer producer
          // The first transaction of a producer requests its id (InitProducerId), which is the fence.
          return producer.transaction();
        };
        const timeIsUp = lateError('fenced older producers', OPEN_WITHIN_SECONDS);
        const first = await withTimeLimit(OPEN_WITHIN_SECONDS, fence, undefined, timeIsUp);
        return fencedProducer({ producer, sender, limits }, first, () => discard(producer));
      } catch (error) {
        void discard(producer); // it waits for requests that are not answered
        throw error;
      }
    },
    async close() {
      await Promise.all([limits.close(), ...[...open].map(discard)]);
    },
  };
}

const createProducer = (kafka: Kafka, transactionalId: string, sender: ExactSender): Producer =>
  kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: TRANSACTION_TIMEOUT_SECONDS * 1000,
    allowAutoTopicCreation: false,
    retry: KAFKA_RETRY,
    createPartitioner: sender.createPartitioner,
  });

/** The tools of one producer. */
interface Sending {
  readonly producer: Producer;
  readonly sender: ExactSender;
  readonly limits: TopicLimits;
}

function fencedProducer(sending: Sending, first: Transaction, close: () => Promise<void>): FencedProducer {
  let begun: Transaction | undefined = first;
  return {
    fencedAtMs: Date.now(),
    async commit(output) {
      const transaction = begun ?? (await sending.producer.transaction());
      begun = undefined;
      const timeIsUp = lateError('committed', COMMIT_WITHIN_SECONDS);
      const send = () => commit(transaction, sending, output);
      await withTimeLimit(COMMIT_WITHIN_SECONDS, send, undefined, timeIsUp);
    },
    limits: (topics) => sending.limits.of(topics),
    // Do not abort: a request of a failed send may still be in flight. If the abort were written before it, its records would belong to no
    // transaction and block all readers. The next fence makes the broker refuse it.
    close,
  };
}

async function commit(transaction: Transaction, sending: Sending, output: TransactionOutput): Promise<void> {
  const { partition, offset, metadata } = output;
  // Send records first: sendOffsets fails as the first call of a transaction (docs/decisions/0006-kafkajs.md).
  await sendRecords(transaction, sending, output);
  // a variable, because the type of kafkajs lacks `metadata`, although it is sent
  const committed = { partition, offset: String(offset), metadata };
  await transaction.sendOffsets({
    consumerGroupId: output.group,
    topics: [{ topic: output.topic, partitions: [committed] }],
  });
  await transaction.commit();
}

async function sendRecords(
  transaction: Transaction,
  { sender, limits: topicLimits }: Sending,
  { records, partition }: TransactionOutput,
): Promise<void> {
  const limits = await topicLimits.of(records.map(({ topic }) => topic));
  try {
    for await (const { items, compression } of splitBySize(records, limits)) {
      const topicMessages = [...groupBy(items, ({ topic }) => topic)].map(([topic, sent]) => ({
        topic,
        messages: sent.map(({ message }) => message),
      }));
      await sender.sendBatch(transaction, { acks: -1, compression, topicMessages }, partition);
    }
  } catch (error) {
    if (error instanceof MessageTooLargeError) topicLimits.forget(error.topic);
    const limit = limits.get(refusedTopic(error) ?? '');
    if (limit !== undefined) topicLimits.refused(limit);
    if (kafkaErrorType(error) !== 'INVALID_RECORD') throw error;
    const remedy = 'a compacted topic accepts no record without a key, so set its cleanup.policy to delete';
    throw new Error(`${messageOf(error)}; ${remedy}`, { cause: error });
  }
}

/** The topic whose broker has refused a batch because of its size. */
function refusedTopic(error: unknown): string | undefined {
  const isTooLarge = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].includes(kafkaErrorType(error) ?? '');
  return isTooLarge && error instanceof Error && 'topic' in error ? String(error.topic) : undefined;
}
