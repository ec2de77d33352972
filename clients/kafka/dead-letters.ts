import type { Kafka } from 'kafkajs';
import { createOffsets } from './offsets.ts';
import { createRangeReader, OffsetsUnavailableError, readSlices } from './range-reader.ts';
import {
  matches,
  parseDeadLetter,
  printPlace,
  type DeadLetter,
  type DeadLetterFilter,
} from '../../domain/scoring/dead-letter.ts';
import { deadLetterTopic } from '../../domain/scoring/topics.ts';

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
  /**
   * Letters with what was left out of them, from where their records were.
   * @throws DeadLettersNotFoundError where the input topic no longer has one
   */
  whole(letters: AsyncIterable<readonly DeadLetter[]>): AsyncGenerator<readonly DeadLetter[]>;
  close(): Promise<void>;
}

/** Offsets looked through at a time, from the end: as many as a batch of the scoring loop. */
const CHUNK = 1000;

/**
 * Opens the dead letters of an input topic for reading, committed ones only.
 * @param group any consumer group; nothing of it is changed
 * @throws DeadLettersNotFoundError when one of the two topics is not there
 */
export async function openDeadLetters(kafka: Kafka, group: string, input: string): Promise<DeadLetters> {
  const topic = deadLetterTopic(input);
  const admin = kafka.admin();
  const positions = createOffsets(kafka);
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

    async function* lettersOf({ partition, from, to }: Span): AsyncGenerator<DeadLetter[]> {
      for await (const { records } of readSlices(reader, { topic, partition, from, to }))
        yield records.map((record) => parseDeadLetter(record, topic, partition));
    }
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
        let newest: DeadLetter[] = [];
        for await (const some of lettersOf({ ...span, from: Math.max(span.from, to - CHUNK), to }))
          newest = [...newest, ...some.filter((letter) => matches(letter, filter))].slice(-limit);
        found = [...newest, ...found].slice(-limit);
      }
      return found;
    }
    async function letterAt(partition: number, offset: number): Promise<DeadLetter | undefined> {
      const span = whole.find((other) => other.partition === partition);
      if (span === undefined || offset < span.from || offset >= span.to) return undefined;
      const { records } = await reader.read({ topic, partition, from: offset, to: offset + 1 });
      return records.map((record) => parseDeadLetter(record, topic, partition))[0];
    }
    async function wholeOf(letter: DeadLetter): Promise<DeadLetter> {
      if (letter.leftOutBytes === null || letter.original === null) return letter;
      const { topic: from, partition, offset } = letter.original;
      const range = { topic: from, partition, from: offset, to: offset + 1 };
      const [record] = await reader.read(range).then(
        ({ records }) => records,
        (error: unknown) => {
          if (error instanceof OffsetsUnavailableError) return [];
          throw error;
        },
      );
      if (record === undefined)
        throw new DeadLettersNotFoundError(
          `${printPlace(letter.place)} was kept without its ${letter.leftOutBytes} bytes, and ${printPlace(letter.original)} is no longer there; choose others by --offsets`,
        );
      const { key, value, headers } = record;
      return { ...letter, key, value, headers };
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
          for await (const letters of lettersOf(span))
            yield letters.filter((letter) => matches(letter, filter));
      },
      async at(places) {
        const found: DeadLetter[] = [];
        const missing: string[] = [];
        for (const { partition, offset } of places) {
          const letter = await letterAt(partition, offset);
          if (letter === undefined) missing.push(`${partition}:${offset}`);
          else found.push(letter);
        }
        if (missing.length > 0)
          throw new DeadLettersNotFoundError(`${topic} has no letter at ${missing.join(', ')}`);
        return found;
      },
      async *whole(letters) {
        for await (const some of letters)
          if (some.every(({ leftOutBytes }) => leftOutBytes === null)) yield some;
          // One at a time: they are large.
          else for (const letter of some) yield [await wholeOf(letter)];
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
