import type { LogRecord } from '../kafka-record.ts';
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
 * The first invalid field of an event ends its parse. Used inside the parser only: `parseEvent` turns it into a dead letter.
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
export type RawRecord = Pick<LogRecord, 'value' | 'timestampMs'>;

/**
 * Parses a record as a JSON object, then its fields with `readFields`.
 * @param readFields throws InvalidEvent at the first field that is not valid; the record is then a dead letter
 */
export function parseEvent<E>(
  record: RawRecord,
  nowMs: number,
  readFields: (event: JsonObject, receivedMs: number) => E,
): ParseOutcome<E> {
  const object = parseJsonObject(record.value);
  if (object.kind !== 'ok') return object;
  try {
    return ok(readFields(object.value, receivedTimeMs(record.timestampMs, nowMs)));
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

/** Parses the value of a record as a JSON object in UTF-8; a dead letter when it is anything else. */
function parseJsonObject(value: Uint8Array | null): ParseOutcome<JsonObject> {
  if (value === null) return deadLetter('tombstone', 'the record has no value');
  if (value.length > MAX_BYTES)
    return deadLetter('too_large', `the value has ${value.length} bytes, accepted are up to ${MAX_BYTES}`);
  let json: string;
  try {
    json = utf8.decode(value);
  } catch {
    return deadLetter('not_utf8', 'the value is not UTF-8');
  }
  if (isDeeperThan(json, MAX_DEPTH)) return tooDeep(json);
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    return deadLetter(
      'not_json',
      error instanceof Error ? error.message.slice(0, MAX_DETAIL_LENGTH) : 'the value is not JSON',
    );
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return NOT_AN_OBJECT;
  return ok({ fields: parsed as JsonObject['fields'], json });
}

const NOT_AN_OBJECT = deadLetter('not_an_object', 'the value is not a JSON object');

/** A list is not an object, however deep it is. */
const tooDeep = (json: string): ParseOutcome<never> =>
  json.trimStart().startsWith('[')
    ? NOT_AN_OBJECT
    : deadLetter('too_deep', `lists and objects are nested deeper than ${MAX_DEPTH} levels`);

/**
 * When Kafka received a record, in ms since 1970. Never later than now: a producer with a wrong clock may have set the time.
 * @param timestampMs the record's time; -1 when the record has none
 */
export const receivedTimeMs = (timestampMs: number, nowMs: number): number =>
  timestampMs < 0 ? nowMs : Math.min(timestampMs, nowMs);
