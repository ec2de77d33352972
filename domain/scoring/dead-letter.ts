import { formatLocation, type RecordLocation, type TopicPartition } from '../kafka-location.ts';
import {
  headerText,
  isList,
  type Headers,
  type HeaderValue,
  type LogRecord,
  type OutputRecord,
  type ReadHeaders,
  type ReadValue,
} from '../kafka-record.ts';
import { parseWholeNumber } from '../values/whole-number.ts';
import type { RejectedRecord } from './keep-newest.ts';
import { firstReceivedMs, RECEIVED_AT_HEADER } from './parse-event.ts';

/** Prefix of the headers that say why a record became a dead letter. They belong to the dead letter, not to the record. */
const ERROR_HEADER_PREFIX = '__connect.errors.';
/** On a replayed record: the dead letter that it comes from, as topic/partition/offset. */
export const REPLAYED_FROM_HEADER = 'kol.replayed-from';
/** On a dead letter without value and headers: bytes of the value in the input topic. */
const LEFT_OUT_HEADER = 'kol.left-out-bytes';

/**
 * Copies headers of a record for writing: every value byte for byte, values of a repeated name in their order. Two things are
 * lost, because kafkajs 2.2.4 cannot write them: a null value becomes an empty one (its encoder throws at null), and repeated
 * names that alternate (a, b, a) are written one name after the other (a, a, b).
 */
const copyHeaders = (headers: ReadHeaders): Headers =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      isList(value) ? value.map(orEmpty) : orEmpty(value),
    ]),
  );

/** Headers of a replayed record: those that the original record had, its time, and the dead letter that it comes from. */
export function replayedHeaders(letter: Pick<DeadLetter, 'headers' | 'location' | 'receivedMs'>): Headers {
  const original = Object.entries(copyHeaders(letter.headers)).filter(
    ([name]) => !name.startsWith(ERROR_HEADER_PREFIX) && name !== REPLAYED_FROM_HEADER,
  );
  return {
    ...Object.fromEntries(original),
    [RECEIVED_AT_HEADER]: String(letter.receivedMs),
    [REPLAYED_FROM_HEADER]: formatLocation(letter.location),
  };
}

const orEmpty = (value: ReadValue): HeaderValue => value ?? '';

/**
 * A dead letter: key, value and headers of the record (`copyHeaders` says what is lost), and headers that say why, with the
 * names of Kafka Connect (its ErrorReporter writes all values as UTF-8 text).
 */
export const deadLetterRecord = (input: TopicPartition, rejected: RejectedRecord): OutputRecord => ({
  key: rejected.record.key,
  value: rejected.record.value,
  headers: { ...copyHeaders(rejected.record.headers), ...errorHeaders(input, rejected) },
});

/** A larger key is left out too. */
const MAX_BARE_KEY_BYTES = 1024;

/** A dead letter for a record that is too large for the topic: without value and headers, which remain in the input topic. */
export function bareDeadLetterRecord(input: TopicPartition, rejected: RejectedRecord): OutputRecord {
  const { key, value } = rejected.record;
  return {
    key: key !== null && key.length <= MAX_BARE_KEY_BYTES ? key : null,
    value: null,
    headers: { ...errorHeaders(input, rejected), [LEFT_OUT_HEADER]: String(value?.length ?? 0) },
  };
}

/** The record could be parsed. */
const AFTER_PARSE: readonly string[] = ['rejected_by_model', 'score_too_large'];

function errorHeaders(
  { topic, partition }: TopicPartition,
  { record, reason, detail }: RejectedRecord,
): Headers {
  const headers = {
    topic,
    partition: String(partition),
    offset: String(record.offset),
    'connector.name': 'kol-scoring',
    'task.id': String(partition),
    stage: AFTER_PARSE.includes(reason) ? 'TRANSFORMATION' : 'VALUE_CONVERTER',
    'class.name': `kol-scoring/${topic}`,
    'exception.class.name': reason,
    'exception.message': detail,
    'exception.stacktrace': `${reason}: ${detail}`,
  };
  const named = Object.entries(headers).map(([name, value]) => [ERROR_HEADER_PREFIX + name, value] as const);
  return { ...Object.fromEntries(named), [RECEIVED_AT_HEADER]: String(firstReceivedMs(record)) };
}

/** A dead letter with what its headers say. */
export type DeadLetter = Readonly<ReturnType<typeof parseDeadLetter>>;

/** Parses the headers of a dead letter. */
export function parseDeadLetter(record: LogRecord, topic: string, partition: number) {
  const header = (name: string) => headerText(record.headers[name]);
  const errorHeader = (name: string) => header(ERROR_HEADER_PREFIX + name);
  return {
    ...record,
    location: { topic, partition, offset: record.offset },
    /** Where the record is in the input topic; null when the headers do not say. */
    original: parseOriginal(errorHeader),
    /** One of `deadLetterReasons`, or any text of another writer; null when the header is missing. */
    reason: errorHeader('exception.class.name'),
    message: errorHeader('exception.message'),
    /** When Kafka got the record, ms since 1970. For letters of other writers: when Kafka got the letter. */
    receivedMs: firstReceivedMs(record),
    /** The earlier dead letter of this record, as topic/partition/offset, when the record had been replayed before. */
    replayedFrom: header(REPLAYED_FROM_HEADER),
    /**
     * Bytes of the value that was left out because the topic does not accept so large a record; null when nothing was left out. A dead
     * letter that has its value can carry a header of this name that its record had.
     */
    leftOutBytes: record.value === null ? parseWholeNumber(header(LEFT_OUT_HEADER)) : null,
  };
}

function parseOriginal(errorHeader: (name: string) => string | null): RecordLocation | null {
  const topic = errorHeader('topic');
  const partition = parseWholeNumber(errorHeader('partition'));
  const offset = parseWholeNumber(errorHeader('offset'));
  return topic === null || partition === null || offset === null ? null : { topic, partition, offset };
}

/** Selects dead letters. All conditions that are given must hold. */
export interface DeadLetterFilter {
  readonly reason?: string | undefined;
  /** Written at or after this time, ms since 1970. */
  readonly sinceMs?: number | undefined;
}

export const matchesFilter = (letter: DeadLetter, { reason, sinceMs }: DeadLetterFilter): boolean =>
  (reason === undefined || letter.reason === reason) &&
  (sinceMs === undefined || letter.timestampMs >= sinceMs);
