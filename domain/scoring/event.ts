import { parseCount } from './parse-count.ts';
import { deadLetter, ok, type DeadLetterReason, type ParseOutcome } from './parse-outcome.ts';
import { isoTimeMs } from '../values/iso-time.ts';
import { isPlatform } from '../values/platform.ts';

/** A record as Kafka gives it. */
export interface RawRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Kafka's record time in ms: when the broker got it, or what its producer's clock said; -1 where nobody said. */
  readonly timestampMs: number;
}

/** Clocks of scrapers may run ahead this far; an event further ahead would drag the watermark with it, and make all others late. */
export const MAX_CLOCK_SKEW_MS = 5 * 60_000;
const MAX_ID_LENGTH = 256;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON object in a record's value, or the reason why there is none. */
export function parseObject({ value }: RawRecord): ParseOutcome<Readonly<Record<string, unknown>>> {
  if (value === null) return deadLetter('tombstone', 'the record has no value');
  let json: string;
  try {
    json = utf8.decode(value);
  } catch {
    return deadLetter('not_utf8', 'the value is not UTF-8');
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    return deadLetter(
      'not_json',
      error instanceof Error ? error.message.slice(0, 200) : 'the value is not JSON',
    );
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return deadLetter('not_an_object', 'the value is not a JSON object');
  return ok(parsed as Record<string, unknown>);
}

/** Reads a record's object with `read`; what it finds wrong is the outcome. */
export function parseEvent<E>(
  record: RawRecord,
  nowMs: number,
  read: (event: Event, receivedMs: number) => E,
): ParseOutcome<E> {
  const object = parseObject(record);
  if (object.kind !== 'ok') return object;
  try {
    return ok(read(object.value, receivedMs(record, nowMs)));
  } catch (error) {
    if (error instanceof InvalidEvent) return deadLetter(error.reason, error.message);
    throw error;
  }
}

/** When Kafka got a record. It was before now, whatever the clock of its producer said. */
const receivedMs = ({ timestampMs }: RawRecord, nowMs: number): number =>
  timestampMs < 0 ? nowMs : Math.min(timestampMs, nowMs);

/** Control flow inside one parse: the first thing wrong ends it. */
export class InvalidEvent extends Error {
  constructor(
    readonly reason: DeadLetterReason,
    detail: string,
  ) {
    super(detail);
    this.name = 'InvalidEvent';
  }
}

/** A parsed JSON object of an event topic. */
export type Event = Readonly<Record<string, unknown>>;

export function checkEventType(event: Event, expected: string): void {
  const type = event['event_type'] ?? expected;
  if (type !== expected)
    throw new InvalidEvent('wrong_event_type', `event_type is ${show(type)}, accepted is "${expected}"`);
}

/** An id that may stand in a Redis key: text without control characters. */
export function requiredId(event: Event, field: string): string {
  const value = event[field];
  if (value === null || value === undefined || value === '')
    throw new InvalidEvent('missing_id', `${field} is missing`);
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new InvalidEvent('invalid_id', `${field} is ${show(value)}, accepted is text`);
  const id = String(value).trim();
  if (id === '') throw new InvalidEvent('missing_id', `${field} is blank`);
  if (!isId(id))
    throw new InvalidEvent(
      'invalid_id',
      `${field} is longer than ${MAX_ID_LENGTH} or has control characters`,
    );
  return id;
}

/** Whether text may be an id in keys and queries. */
export const isId = (id: string): boolean =>
  id.length > 0 && id.length <= MAX_ID_LENGTH && !/[\p{Cc}\p{Cs}]/u.test(id);

export function platformOf(event: Event): string {
  const platform = event['platform'];
  if (typeof platform !== 'string' || !isPlatform(platform.toLowerCase()))
    throw new InvalidEvent(
      'invalid_field',
      `platform is ${show(platform)}, accepted is a name like "tiktok"`,
    );
  return platform.toLowerCase();
}

export function optionalText(event: Event, field: string): string | null {
  const value = event[field];
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new InvalidEvent('invalid_field', `${field} is ${show(value)}, accepted is text`);
}

export function optionalFlag(event: Event, field: string): boolean | null {
  const value = event[field];
  if (value === null || value === undefined || value === '') return null;
  if (value === true || value === 1 || value === 'true' || value === '1') return true;
  if (value === false || value === 0 || value === 'false' || value === '0') return false;
  throw new InvalidEvent('invalid_field', `${field} is ${show(value)}, accepted is true or false`);
}

/**
 * A count given as a number, or as people read it in the raw field; numbers win. A field that is absent says nothing
 * (null), one that is there and empty says 0.
 */
export function optionalCount(event: Event, field: string, ...rawFields: readonly string[]): number | null {
  const value = event[field];
  if (value !== null && value !== undefined) {
    const number = typeof value === 'string' ? parseCount(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)
      throw new InvalidEvent(
        'invalid_count',
        `${field} is ${show(value)}, accepted is a whole number of 0 to 2^53 - 1`,
      );
    return number;
  }
  const rawField = rawFields.find((name) => event[name] !== undefined);
  if (rawField === undefined) return null;
  const raw = event[rawField];
  if (raw !== null && typeof raw !== 'string' && typeof raw !== 'number')
    throw new InvalidEvent('invalid_count', `${rawField} is ${show(raw)}, accepted is text like "11.3K"`);
  const parsed = parseCount(raw === null ? null : String(raw));
  if (parsed === null)
    throw new InvalidEvent(
      'invalid_count',
      `${rawField} is ${show(raw)}, accepted is text like "11.3K" or "1,234"`,
    );
  return parsed;
}

/** ISO text (UTC where it names no zone), or ms or s since 1970; an event without one happened when Kafka got it. */
export function eventTime(event: Event, receivedMs: number): number {
  const value = event['event_time'];
  if (value === null || value === undefined || value === '') return receivedMs;
  const ms = typeof value === 'string' ? isoTimeMs(value) : typeof value === 'number' ? msOf(value) : NaN;
  if (!Number.isFinite(ms) || ms < 0)
    throw new InvalidEvent(
      'invalid_event_time',
      `event_time is ${show(value)}, accepted is ISO 8601 text, or seconds or milliseconds since 1970`,
    );
  if (ms > receivedMs + MAX_CLOCK_SKEW_MS)
    throw new InvalidEvent(
      'event_time_in_future',
      `event_time is ${show(value)}, over 5 minutes after it was received`,
    );
  return Math.floor(ms);
}

/** Seconds since 1970 have 10 digits, milliseconds 13. */
const msOf = (time: number): number => (time < 1e11 ? time * 1000 : time);

/** A value in an error message: short, and as JSON so that it cannot break a log line. */
const show = (value: unknown): string => (JSON.stringify(value) ?? 'undefined').slice(0, 80);
