import kafkajs, { type Kafka, type Message } from 'kafkajs';
import { splitBySize, chooseCompression } from './message-size.ts';
import { KAFKA_RETRY, kafkaErrorType } from './client.ts';
import { printPlace, replayedHeaders, type DeadLetter } from '../../domain/scoring/dead-letter.ts';

/** A replay that ended in the middle; says how far it came. */
export class ReplayError extends Error {
  readonly code = 'REPLAY_FAILED';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ReplayError';
  }
}

/**
 * Sends letters back to their input topic, in order: key, value and headers as they were, to the partition they came from
 * where there still is one. A try whose answer is lost is tried again under the same sequence number, which the broker
 * drops; a replay that is run again sends all anew.
 * @returns how many were sent
 * @throws ReplayError naming the letter at which it ended
 */
export async function replay(
  kafka: Kafka,
  { topic, partitions }: { topic: string; partitions: number },
  letters: AsyncIterable<readonly DeadLetter[]>,
): Promise<number> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: KAFKA_RETRY,
    // As Java clients do it.
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  let sent = 0;
  try {
    for await (const some of letters) {
      const items = some.map((letter) => ({ letter, message: messageOf(letter, topic, partitions) }));
      for (const request of splitBySize(items, ({ message }) => message)) {
        try {
          const messages = request.map(({ message }) => message);
          await producer.send({ topic, acks: -1, compression: chooseCompression(messages), messages });
        } catch (error) {
          throw interrupted(sent, request[0]?.letter, error);
        }
        sent += request.length;
      }
    }
    return sent;
  } finally {
    await producer.disconnect().catch(() => {}); // what matters was acknowledged, or thrown
  }
}

function messageOf(letter: DeadLetter, topic: string, partitions: number): Message {
  const { key, value, original } = letter;
  const headers = Object.entries(replayedHeaders(letter)).map(([name, header]) => [
    name,
    Array.isArray(header) ? header.map(asBuffer) : asBuffer(header),
  ]);
  return {
    key: key === null ? null : asBuffer(key),
    value: value === null ? null : asBuffer(value),
    headers: Object.fromEntries(headers) as NonNullable<Message['headers']>,
    ...(original?.topic === topic && original.partition < partitions
      ? { partition: original.partition }
      : {}),
  };
}

function interrupted(sent: number, first: DeadLetter | undefined, error: unknown): ReplayError {
  const at = first === undefined ? 'the end' : printPlace(first.place);
  const why = error instanceof Error ? error.message : String(error);
  const remedy =
    kafkaErrorType(error) === 'MESSAGE_TOO_LARGE'
      ? 'The input topic takes no record of this size: raise its max.message.bytes, or choose others by --offsets.'
      : 'Those from there on may or may not have arrived.';
  return new ReplayError(`${sent} were replayed, then ${at} failed: ${why}. ${remedy}`, { cause: error });
}

const asBuffer = (data: Uint8Array | string): Buffer => Buffer.from(data);
