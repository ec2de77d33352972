import { headerText, type LogRecord } from '../kafka-record.ts';
import { parseWholeNumber } from '../values/whole-number.ts';

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
    const value = readFields(parseJsonObject(record.value), receivedTimes(record, nowMs));
    return { kind: 'ok', value };
  } catch (error) {
    if (!(error instanceof InvalidEvent)) throw error;
    return { kind: 'deadLetter', reason: error.reason, detail: error.message };
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

// Readers of JSON text, for what `JSON.parse` does not tell. They are loops, not regular expressions or recursion: no text can
// exhaust a stack.

/** The end of the strings of a text: the index of the closing quote. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (json[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return json.length;
}

/** The brackets and colons of a JSON text, with the depth after them and the string before them. Those in strings do not count. */
function* punctuation(json: string) {
  let depth = 0;
  let before = { start: 0, end: 0 };
  for (let at = 0; at < json.length; at += 1) {
    const char = json[at];
    if (char === '"') {
      before = { start: at, end: endOfString(json, at) };
      at = before.end;
      continue;
    }
    if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    else if (char !== ':') continue;
    yield { char, at, depth, before };
  }
}

/** Whether lists and objects are nested deeper than a limit. The text need not be valid JSON. */
export function isDeeperThan(json: string, limit: number): boolean {
  if (!hasMoreBrackets(json, limit)) return false;
  for (const { depth } of punctuation(json)) if (depth > limit) return true;
  return false;
}

/** Whether a text has more opening brackets than a limit. Most events have one, and `indexOf` is far faster than a loop. */
function hasMoreBrackets(json: string, limit: number): boolean {
  let count = 0;
  for (const bracket of ['{', '['])
    for (let at = json.indexOf(bracket); at !== -1; at = json.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > limit) return true;
    }
  return false;
}

/**
 * The text of a number in a JSON object, as it was written: `JSON.parse` rounds numbers above 2^53.
 * @param json a valid JSON object
 * @returns undefined when the member is missing or no number; of repeated members the last one counts, as with `JSON.parse`
 */
export function numberText(json: string, name: string): string | undefined {
  let found: string | undefined;
  for (const { char, at, depth, before } of punctuation(json))
    if (char === ':' && depth === 1 && isName(json, before, name)) found = numberAt(json, at + 1);
  return found;
}

function isName(json: string, { start, end }: { start: number; end: number }, name: string): boolean {
  if (end - start - 1 === name.length) return json.startsWith(name, start + 1);
  const text = json.slice(start, end + 1);
  return text.includes('\\') && JSON.parse(text) === name;
}

function numberAt(json: string, start: number): string | undefined {
  NUMBER.lastIndex = start;
  return NUMBER.exec(json)?.[1];
}
const NUMBER = /\s*(-?\d[\d.eE+-]*)/y;
