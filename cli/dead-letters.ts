import type { Kafka } from 'kafkajs';
import { createPositions } from '../clients/kafka/positions.ts';
import { createRangeReader } from '../clients/kafka/range-reader.ts';
import {
  matches,
  parseDeadLetter,
  type DeadLetter,
  type DeadLetterFilter,
} from '../domain/scoring/dead-letter.ts';
import { deadLetterTopic } from '../domain/scoring/topics.ts';

/** There is no such topic, or no such letter in it. */
export class DeadLettersNotFoundError extends Error {
  readonly code = 'DEAD_LETTERS_NOT_FOUND';
  constructor(message: string) {
    super(message);
    this.name = 'DeadLettersNotFoundError';
  }
}

/** Offsets [from, to) of one partition of the dead letter topic. */
interface Span {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** The dead letters of one input topic, as they were when this was opened. */
export interface DeadLetters {
  /** Partitions of the input topic. */
  readonly inputPartitions: number;
  /** The last `limit` letters that match, oldest first. Reads backwards, so that a long topic is not read whole. */
  newest(filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]>;
  /** All that match, partition by partition in their order, some at a time. */
  all(filter: DeadLetterFilter): AsyncGenerator<DeadLetter[]>;
  /** Just these. @throws DeadLettersNotFoundError naming those that are not there */
  at(places: readonly { partition: number; offset: number }[]): Promise<DeadLetter[]>;
  close(): Promise<void>;
}

/** Offsets read at a time: as many as a batch of the scoring loop. */
const CHUNK = 1000;

/**
 * Opens the dead letters of an input topic for reading, committed ones only.
 * @param group any consumer group; nothing of it is changed
 * @throws DeadLettersNotFoundError when one of the two topics is not there
 */
export async function openDeadLetters(kafka: Kafka, group: string, input: string): Promise<DeadLetters> {
  const topic = deadLetterTopic(input);
  const admin = kafka.admin();
  const positions = createPositions(kafka);
  const reader = createRangeReader(kafka);
  await admin.connect();
  const close = async () => {
    await Promise.allSettled([admin.disconnect(), positions.close(), reader.close()]);
  };

  async function open(): Promise<DeadLetters> {
    const existing = new Set(await admin.listTopics());
    for (const wanted of [topic, input])
      if (!existing.has(wanted)) throw new DeadLettersNotFoundError(`There is no topic ${wanted}`);
    const whole: Span[] = (await positions.read(group, topic)).map(({ partition, low, high }) => ({
      partition,
      from: low,
      to: high,
    }));

    const read = async ({ partition, from, to }: Span) =>
      (await reader.read({ topic, partition, from, to })).map((record) =>
        parseDeadLetter(record, topic, partition),
      );
    /** The spans in which letters of this time lie. Kafka finds the first of them by its time index. */
    async function spans({ sinceMs }: DeadLetterFilter): Promise<Span[]> {
      if (sinceMs === undefined) return whole;
      const starts = await positions.at(topic, Math.max(0, sinceMs));
      return whole.map((span) => ({
        ...span,
        from: Math.max(span.from, starts.get(span.partition) ?? span.from),
      }));
    }
    async function newestOf(span: Span, filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]> {
      let found: DeadLetter[] = [];
      for (let to = span.to; to > span.from && found.length < limit; to -= CHUNK) {
        const letters = await read({ ...span, from: Math.max(span.from, to - CHUNK), to });
        found = [...letters.filter((letter) => matches(letter, filter)), ...found].slice(-limit);
      }
      return found;
    }

    return {
      inputPartitions: (await positions.read(group, input)).length,
      async newest(filter, limit) {
        const found: DeadLetter[] = [];
        for (const span of await spans(filter)) found.push(...(await newestOf(span, filter, limit)));
        return found.sort((a, b) => a.timestampMs - b.timestampMs || a.offset - b.offset).slice(-limit);
      },
      async *all(filter) {
        for (const span of await spans(filter))
          for (let { from } = span; from < span.to; from += CHUNK) {
            const letters = await read({ ...span, from, to: Math.min(span.to, from + CHUNK) });
            yield letters.filter((letter) => matches(letter, filter));
          }
      },
      async at(places) {
        const found: DeadLetter[] = [];
        const missing: string[] = [];
        for (const { partition, offset } of places) {
          const span = whole.find((other) => other.partition === partition);
          const there = span !== undefined && offset >= span.from && offset < span.to;
          const [letter] = there ? await read({ partition, from: offset, to: offset + 1 }) : [];
          if (letter === undefined) missing.push(`${partition}:${offset}`);
          else found.push(letter);
        }
        if (missing.length > 0)
          throw new DeadLettersNotFoundError(`${topic} has no letter at ${missing.join(', ')}`);
        return found;
      },
      close,
    };
  }

  try {
    return await open();
  } catch (error) {
    await close();
    throw error;
  }
}
