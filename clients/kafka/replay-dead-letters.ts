import type { Kafka, Message } from 'kafkajs';
import { formatLocation } from '../../domain/kafka-location.ts';
import { type DeadLetter, replayedHeaders } from '../../domain/scoring/dead-letter.ts';
import { groupBy } from '../../domain/values/lists.ts';
import { messageOf } from '../../domain/values/message-of.ts';
import { choosePartition, createExactSender } from './kafkajs/exact-sender.ts';
import { KAFKA_RETRY, kafkaErrorType } from './client.ts';
import {
  createTopicLimits,
  MessageTooLargeError,
  type Send,
  splitBySize,
  type TopicLimit,
  type TopicLimits,
  type TopicMessage,
} from './message-limits.ts';

/** A replay that failed before its end; the message says how many records it sent. */
export class ReplayError extends Error {
  readonly code = 'REPLAY_FAILED';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ReplayError';
  }
}

/** The input topic that letters are replayed to. */
interface ReplayTarget {
  readonly topic: string;
  readonly partitions: number;
}

/** A dead letter, and the record that is sent for it. */
interface Replayed extends TopicMessage {
  readonly letter: DeadLetter;
  readonly message: Message & { readonly partition: number };
}

/**
 * Sends dead letters back to their input topic, in the order of each partition: with the original key, value and headers, and to
 * the original partition if it still exists. kafkajs retries a request under the same sequence number, so the broker drops the
 * duplicate; a second call sends everything again.
 * @returns the number of records that were sent
 * @throws ReplayError that says how many were sent, and at which dead letter or read the replay failed
 */
export async function replay(
  kafka: Kafka,
  target: ReplayTarget,
  pages: AsyncIterable<readonly DeadLetter[]>,
  topicLimits: TopicLimits = createTopicLimits(kafka),
): Promise<number> {
  const sender = createExactSender();
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: KAFKA_RETRY,
    createPartitioner: sender.createPartitioner,
  });
  await producer.connect();
  let sent = 0;
  try {
    for await (const letters of pages) {
      const unconfirmed = new Set(letters);
      const limits = await topicLimits.of([target.topic]);
      const partitions = byPartition(letters, target);
      let confirmed = 0;
      try {
        for await (const { items, compression } of toSends(partitions, limits)) {
          const topicMessages = [{ topic: target.topic, messages: items.map(({ message }) => message) }];
          // every message names its partition
          await sender.sendBatch(producer, { acks: -1, compression, topicMessages }, 0);
          items.forEach(({ letter }) => unconfirmed.delete(letter));
          confirmed += items.length;
        }
      } catch (error) {
        const [first] = unconfirmed;
        throw replayError(sent + confirmed, partitions.flat()[confirmed]?.letter, first, error);
      }
      sent += confirmed;
    }
    return sent;
  } catch (error) {
    if (error instanceof ReplayError) throw error;
    const reason = messageOf(error);
    throw new ReplayError(
      `${sent} records were replayed, then the next letters could not be read: ${reason}`,
      {
        cause: error,
      },
    );
  } finally {
    await topicLimits.close();
    await producer.disconnect().catch(() => {}); // best effort: every record was acknowledged, or an error is thrown
  }
}

/** The records of each partition, in the order in which they are sent. */
function byPartition(letters: readonly DeadLetter[], target: ReplayTarget): readonly (readonly Replayed[])[] {
  const { topic } = target;
  const all = letters.map((letter) => ({ topic, letter, message: replayMessage(letter, target) }));
  return [...groupBy(all, ({ message }) => message.partition).values()];
}

/** Each send is for one partition, because a send to one broker can always be retried without duplicates. */
async function* toSends(
  partitions: readonly (readonly Replayed[])[],
  limits: ReadonlyMap<string, TopicLimit>,
): AsyncGenerator<Send<Replayed>> {
  for (const records of partitions) yield* splitBySize(records, limits);
}

function replayMessage(letter: DeadLetter, { topic, partitions }: ReplayTarget): Replayed['message'] {
  const { key, value, original, location } = letter;
  const keepsPartition = original?.topic === topic && original.partition < partitions;
  const partition = keepsPartition
    ? original.partition
    : choosePartition(key, partitions, (original ?? location).partition);
  return { key, value, headers: replayedHeaders(letter), partition };
}

/**
 * @param failed the first letter that was not sent, or that was sent in the request that failed
 * @param unconfirmed the first letter that was not acknowledged; later letters of other partitions may have been
 */
function replayError(
  sent: number,
  failed: DeadLetter | undefined,
  unconfirmed: DeadLetter | undefined,
  error: unknown,
): ReplayError {
  const reason = messageOf(error);
  const remedy =
    error instanceof MessageTooLargeError || kafkaErrorType(error) === 'MESSAGE_TOO_LARGE'
      ? 'The input topic does not accept a record of this size: raise its max.message.bytes, or choose other letters with --offsets.'
      : `The records from ${locationOf(unconfirmed)} on may or may not have arrived.`;
  return new ReplayError(
    `${sent} records were replayed, then ${locationOf(failed)} failed: ${reason}. ${remedy}`,
    { cause: error },
  );
}

const locationOf = (letter: DeadLetter | undefined): string =>
  letter === undefined ? 'the end' : formatLocation(letter.location);
