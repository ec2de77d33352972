import { headerText, type LogRecord } from '../kafka-record.ts';
import { parseWholeNumber } from '../values/whole-number.ts';
import { isDeeperThan } from './json-text.ts';

/** Result of parsing one input record. An invalid record is a value, not an exception: it must not stop its batch. */
export type ParseOutcome<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'deadLetter'; readonly reason: DeadLetterReason; readonly detail: string };

/** Why a record became a dead letter. Used as metric label and header, so the list is short and fixed. */
export const deadLetterReasons = [
  'tombstone',
  'too_large',
  'not_utf8',
  'too_deep',
  'not_json',
  'not_an_object',
  'wrong_event_type',
  'missing_id',
  'invalid_id',
  'invalid_field',
  'invalid_count',
  'invalid_event_time',
  'event_time_in_future',
  'rejected_by_model',
  'score_too_large',
] as const;
export type DeadLetterReason = (typeof deadLetterReasons)[number];

export const ok = <T>(value: T): ParseOutcome<T> => ({ kind: 'ok', value });
export const deadLetter = (reason: DeadLetterReason, detail: string): ParseOutcome<never> => ({
  kind: 'deadLetter',
  reason,
  detail,
});

/**
 * The first fault of a record ends its parse. Used inside the parser only: `parseEvent` turns it into a dead letter.
 */
export class InvalidEvent extends Error {
  constructor(
    readonly reason: DeadLetterReason,
    detail: string,
  ) {
    super(detail);
    this.name = 'InvalidEvent';
  }
}

const MAX_SHOWN_LENGTH = 80;

/**
 * A JSON value for an error message: short, and texts as JSON so that they cannot break a log line. Lists and objects are only
 * named, because they can be large.
 */
export function showValue(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const short = typeof value === 'string' ? value.slice(0, MAX_SHOWN_LENGTH) : value;
  return JSON.stringify(short).slice(0, MAX_SHOWN_LENGTH);
}

/** What is parsed of a record. */
export type RawRecord = Pick<LogRecord, 'value'> & TimedRecord;

/**
 * Parses a record as a JSON object, then its fields with `readFields`.
 * @param readFields throws InvalidEvent at the first field that is not valid; the record is then a dead letter
 */
export function parseEvent<E>(
  record: RawRecord,
  nowMs: number,
  readFields: (event: JsonObject, received: ReceivedTimes) => E,
): ParseOutcome<E> {
  try {
    return ok(readFields(parseJsonObject(record.value), receivedTimes(record, nowMs)));
  } catch (error) {
    if (error instanceof InvalidEvent) return deadLetter(error.reason, error.message);
    throw error;
  }
}

/** A JSON object, with the text that it was parsed from (see `numberText`). */
export interface JsonObject {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly json: string;
}

/** 32 times what a broker accepts by default; a record that came compressed can be larger than that. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Events are flat. Unknown fields may be nested, but not so deep that a recursive function exhausts the stack. */
const MAX_DEPTH = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const MAX_DETAIL_LENGTH = 200;

/** Parses the value of a record as a JSON object in UTF-8. @throws InvalidEvent when it is anything else */
function parseJsonObject(value: Uint8Array | null): JsonObject {
  if (value === null) throw new InvalidEvent('tombstone', 'the record has no value');
  const { length } = value;
  if (length > MAX_BYTES)
    throw new InvalidEvent('too_large', `the value has ${length} bytes, accepted are up to ${MAX_BYTES}`);
  let json: string;
  try {
    json = utf8.decode(value);
  } catch {
    throw new InvalidEvent('not_utf8', 'the value is not UTF-8');
  }
  const isDeep = isDeeperThan(json, MAX_DEPTH);
  // A list is not an object, however deep it is.
  if (isDeep && !json.trimStart().startsWith('['))
    throw new InvalidEvent('too_deep', `lists and objects are nested deeper than ${MAX_DEPTH} levels`);
  let fields: unknown = null;
  try {
    if (!isDeep) fields = JSON.parse(json);
  } catch (error) {
    throw new InvalidEvent('not_json', (error as SyntaxError).message.slice(0, MAX_DETAIL_LENGTH));
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new InvalidEvent('not_an_object', 'the value is not a JSON object');
  return { fields: fields as JsonObject['fields'], json };
}

/** On a dead letter and on a replayed record: when Kafka first got the record, in ms since 1970. */
export const RECEIVED_AT_HEADER = 'kol.received-at-ms';

/** What says when Kafka got a record. */
type TimedRecord = Pick<LogRecord, 'timestampMs'> & Partial<Pick<LogRecord, 'headers'>>;

/** When Kafka first got a record, which is before its replay. */
export function firstReceivedMs({ headers, timestampMs }: TimedRecord): number {
  const header = headers?.[RECEIVED_AT_HEADER];
  return (header && parseWholeNumber(headerText(header))) ?? timestampMs;
}

/** When Kafka got a record, in ms since 1970. */
export interface ReceivedTimes {
  /** The same as `lastMs`, unless the record was replayed. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Never later than now: a producer with a wrong clock may have set the time. A record without a time was received now. */
export function receivedTimes(record: TimedRecord, nowMs: number): ReceivedTimes {
  const byNow = (ms: number) => (ms < 0 ? nowMs : Math.min(ms, nowMs));
  return { firstMs: byNow(firstReceivedMs(record)), lastMs: byNow(record.timestampMs) };
}

/** The latest time at which an event can have happened: its own time, or when Kafka first got it. The clock of a scraper can be ahead. */
export const happenedByMs = (eventTimeMs: number, record: TimedRecord, nowMs: number): number =>
  Math.min(eventTimeMs, receivedTimes(record, nowMs).firstMs);
