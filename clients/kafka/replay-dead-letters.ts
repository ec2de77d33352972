import kafkajs, { type Kafka, type Message } from 'kafkajs';
import { formatLocation } from '../../domain/kafka-location.ts';
import { replayedHeaders } from '../../domain/scoring/dead-letter-headers.ts';
import type { DeadLetter } from '../../domain/scoring/dead-letter.ts';
import { KAFKA_RETRY, kafkaErrorType } from './client.ts';
import { chooseCompression, splitBySize } from './message-size.ts';
import { toMessage } from './to-message.ts';

/** A replay that failed before its end; the message says how many records it sent. */
export class ReplayError extends Error {
  readonly code = 'REPLAY_FAILED';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ReplayError';
  }
}

/**
 * Sends dead letters back to their input topic, in order: with the original key, value and headers, and to the original
 * partition if it still exists. kafkajs retries a request under the same sequence number, so the broker drops the
 * duplicate; a second call sends everything again.
 * @returns the number of records that were sent
 * @throws ReplayError that names the dead letter at which the replay failed
 */
export async function replay(
  kafka: Kafka,
  target: { topic: string; partitions: number },
  pages: AsyncIterable<readonly DeadLetter[]>,
): Promise<number> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: KAFKA_RETRY,
    // The same partitioner as Java clients use.
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  let sent = 0;
  try {
    for await (const letters of pages) {
      const items = letters.map((letter) => ({ letter, message: replayMessage(letter, target) }));
      for (const run of splitBySize(items, ({ message }) => message)) {
        const messages = run.map(({ message }) => message);
        const compression = chooseCompression(messages);
        try {
          await producer.send({ topic: target.topic, acks: -1, compression, messages });
        } catch (error) {
          throw replayError(sent, run[0]?.letter, error);
        }
        sent += run.length;
      }
    }
    return sent;
  } finally {
    await producer.disconnect().catch(() => {}); // best effort: every record was acknowledged, or an error is thrown
  }
}

function replayMessage(
  letter: DeadLetter,
  { topic, partitions }: { topic: string; partitions: number },
): Message {
  const { key, value, original } = letter;
  const keepsPartition = original?.topic === topic && original.partition < partitions;
  return {
    ...toMessage({ key, value, headers: replayedHeaders(letter) }),
    ...(keepsPartition ? { partition: original.partition } : {}),
  };
}

function replayError(sent: number, first: DeadLetter | undefined, error: unknown): ReplayError {
  const location = first === undefined ? 'the end' : formatLocation(first.location);
  const reason = error instanceof Error ? error.message : String(error);
  const remedy =
    kafkaErrorType(error) === 'MESSAGE_TOO_LARGE'
      ? 'The input topic does not accept a record of this size: raise its max.message.bytes, or choose other letters with --offsets.'
      : 'The records from there on may or may not have arrived.';
  return new ReplayError(`${sent} records were replayed, then ${location} failed: ${reason}. ${remedy}`, {
    cause: error,
  });
}
