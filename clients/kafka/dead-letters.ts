import type { Kafka } from 'kafkajs';
import {
  formatLocation,
  type OffsetRange,
  type PartitionOffset,
  type PartitionRange,
  type RecordLocation,
} from '../../domain/kafka-location.ts';
import type { LogRecord } from '../../domain/kafka-record.ts';
import {
  type DeadLetter,
  type DeadLetterFilter,
  matchesFilter,
  parseDeadLetter,
} from '../../domain/scoring/dead-letter.ts';
import { deadLetterTopic } from '../../domain/scoring/output-record.ts';
import { createOffsets, type Offsets } from './offsets.ts';
import { OffsetOutOfRangeError } from './read-errors.ts';
import { createRecordReader, readRange, type RecordReader } from './record-reader.ts';

/** The topic does not contain the dead letter or its original record. */
export class DeadLettersNotFoundError extends Error {
  readonly code = 'DEAD_LETTERS_NOT_FOUND';
  constructor(message: string) {
    super(message);
    this.name = 'DeadLettersNotFoundError';
  }
}

/** The dead letters of one input topic, as of the moment when they were opened. */
export interface DeadLetters {
  /** Number of partitions of the input topic. */
  readonly inputPartitions: number;
  /** The newest `limit` dead letters that match, oldest first. Reads backwards, to avoid reading a whole long topic. */
  newest(filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]>;
  /** All dead letters that match, in pages, partition by partition in offset order. */
  all(filter: DeadLetterFilter): AsyncGenerator<DeadLetter[]>;
  /** The dead letters at these offsets. @throws DeadLettersNotFoundError that names the missing ones */
  at(offsets: readonly PartitionOffset[]): Promise<DeadLetter[]>;
  /**
   * Adds the value and headers that were left out of dead letters; fetches them from the input topic.
   * @throws DeadLettersNotFoundError when the input topic no longer has a record
   */
  withLeftOutValues(letters: AsyncIterable<readonly DeadLetter[]>): AsyncGenerator<readonly DeadLetter[]>;
  close(): Promise<void>;
}

/** Offsets per read when reading backwards; the same as in a batch of the scoring loop. */
const CHUNK_OFFSETS = 1000;

/** A dead letter topic and its reader. */
interface Source {
  readonly topic: string;
  /** The offsets of each partition when the topic was opened. */
  readonly ranges: readonly PartitionRange[];
  readonly offsets: Offsets;
  readonly reader: RecordReader;
  readonly onExpired: (range: OffsetRange) => void;
  /** The start of the log of each partition that has lost letters since the topic was opened. */
  readonly logStarts: Map<number, number>;
}

/**
 * Opens the committed dead letters of an input topic for reading.
 * @param onExpired called for offsets that retention has deleted since they were opened
 * @throws TopicNotFoundError when one of the two topics does not exist
 */
export async function openDeadLetters(
  kafka: Kafka,
  input: string,
  onExpired: (range: OffsetRange) => void,
): Promise<DeadLetters> {
  const topic = deadLetterTopic(input);
  const offsets = createOffsets(kafka);
  const reader = createRecordReader(kafka);
  const close = async () => {
    await Promise.allSettled([offsets.close(), reader.close()]);
  };
  try {
    const { partitionCount } = await offsets.topic(topic);
    const ranges = await Promise.all(
      Array.from({ length: partitionCount }, async (_, partition) => {
        const { low, high } = await offsets.ends(topic, partition);
        return { partition, from: low, to: high };
      }),
    );
    const source = { topic, ranges, offsets, reader, onExpired, logStarts: new Map<number, number>() };
    return {
      inputPartitions: (await offsets.topic(input)).partitionCount,
      newest: (filter, limit) => readNewest(source, filter, limit),
      all: (filter) => readAll(source, filter),
      at: (wanted) => readAt(source, wanted),
      withLeftOutValues: (letters) => withLeftOutValues(source, letters),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readNewest(source: Source, filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for (const range of await rangesSince(source, filter))
    found.push(...(await readNewestOfPartition(source, range, filter, limit)));
  return found.sort((a, b) => a.timestampMs - b.timestampMs || a.offset - b.offset).slice(-limit);
}

async function readNewestOfPartition(
  source: Source,
  range: PartitionRange,
  filter: DeadLetterFilter,
  limit: number,
): Promise<DeadLetter[]> {
  let found: DeadLetter[] = [];
  for (let to = range.to; to > range.from && found.length < limit; to -= CHUNK_OFFSETS) {
    let newest: DeadLetter[] = [];
    const chunk = { ...range, from: Math.max(range.from, to - CHUNK_OFFSETS), to };
    for await (const letters of readLetters(source, chunk))
      newest = [...newest, ...letters.filter((letter) => matchesFilter(letter, filter))].slice(-limit);
    found = [...newest, ...found].slice(-limit);
  }
  return found;
}

async function* readAll(source: Source, filter: DeadLetterFilter): AsyncGenerator<DeadLetter[]> {
  for (const range of await rangesSince(source, filter))
    for await (const letters of readLetters(source, range))
      yield letters.filter((letter) => matchesFilter(letter, filter));
}

/** The ranges that can hold dead letters of the filter's time. Their start comes from Kafka's time index. */
async function rangesSince(
  { topic, ranges, offsets }: Source,
  { sinceMs }: DeadLetterFilter,
): Promise<readonly PartitionRange[]> {
  if (sinceMs === undefined) return ranges;
  return Promise.all(
    ranges.map(async (range) => ({
      ...range,
      from: Math.max(range.from, await offsets.at(topic, range.partition, sinceMs)),
    })),
  );
}

/** Begins at the current start of the log, if retention has deleted records since the topic was opened. */
async function* readLetters(
  { topic, reader, onExpired, logStarts }: Source,
  { partition, from, to }: PartitionRange,
): AsyncGenerator<DeadLetter[]> {
  for (let next = Math.max(from, logStarts.get(partition) ?? from); next < to;) {
    try {
      for await (const slice of readRange(reader, { topic, partition, from: next, to })) {
        yield slice.records.map((record) => parseDeadLetter(record, topic, partition));
        next = slice.to;
      }
      return;
    } catch (error) {
      if (!(error instanceof OffsetOutOfRangeError) || error.log.logStart <= next) throw error;
      const { logStart } = error.log;
      logStarts.set(partition, logStart);
      onExpired({ topic, partition, from: next, to: Math.min(logStart, to) });
      next = logStart;
    }
  }
}

async function readAt(source: Source, offsets: readonly PartitionOffset[]): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  const missing: string[] = [];
  for (const location of offsets) {
    const letter = await readOne(source, location);
    if (letter === undefined) missing.push(`${location.partition}:${location.offset}`);
    else found.push(letter);
  }
  if (missing.length > 0)
    throw new DeadLettersNotFoundError(`${source.topic} has no letter at ${missing.join(', ')}`);
  return found;
}

async function readOne(
  { topic, ranges, reader }: Source,
  { partition, offset }: PartitionOffset,
): Promise<DeadLetter | undefined> {
  const range = ranges.find((candidate) => candidate.partition === partition);
  if (range === undefined || offset < range.from || offset >= range.to) return undefined;
  const [record] = await readIfKept(reader, { topic, partition, offset });
  return record && parseDeadLetter(record, topic, partition);
}

/** The record at an offset. @returns nothing when the log no longer has it */
async function readIfKept(reader: RecordReader, location: RecordLocation): Promise<readonly LogRecord[]> {
  try {
    return (await reader.read(location, 1)).records;
  } catch (error) {
    if (error instanceof OffsetOutOfRangeError) return [];
    throw error;
  }
}

async function* withLeftOutValues(
  { reader }: Source,
  pages: AsyncIterable<readonly DeadLetter[]>,
): AsyncGenerator<readonly DeadLetter[]> {
  for await (const letters of pages)
    if (letters.every(({ leftOutBytes }) => leftOutBytes === null)) yield letters;
    // One per page, because left-out values are large.
    else for (const letter of letters) yield [await withLeftOutValue(reader, letter)];
}

async function withLeftOutValue(reader: RecordReader, letter: DeadLetter): Promise<DeadLetter> {
  if (letter.leftOutBytes === null || letter.original === null) return letter;
  const [record] = await readIfKept(reader, letter.original);
  // a topic that was created again has other records at the same offsets
  if (record === undefined || (record.value?.length ?? 0) !== letter.leftOutBytes)
    throw new DeadLettersNotFoundError(
      `${formatLocation(letter.location)} was stored without its value of ${letter.leftOutBytes} bytes, ` +
        `and ${formatLocation(letter.original)} is no longer there; choose other letters with --offsets`,
    );
  const { key, value, headers } = record;
  return { ...letter, key, value, headers };
}
