import { isBlank, isId, isPlatform, MAX_ID_LENGTH, normalizeId, trimInvisible } from '../values/text-ids.ts';
import { isoTimeMs } from '../values/iso-time.ts';
import {
  type DeadLetterReason,
  InvalidEvent,
  type JsonObject,
  numberText,
  type ReceivedTimes,
  showValue,
} from './parse-event.ts';
import { isNegativeCount, parseCount, wholeCount } from './parse-count.ts';

// Readers of single event fields. Each throws InvalidEvent for a value that is not valid.

const invalid = (reason: DeadLetterReason, field: string, value: unknown, accepted: string): InvalidEvent =>
  new InvalidEvent(reason, `${field} is ${showValue(value)}, accepted is ${accepted}`);

/** @throws InvalidEvent when the value of a field is null */
function required(value: string | null, reason: DeadLetterReason, field: string): string {
  if (value === null) throw new InvalidEvent(reason, `${field} is missing or blank`);
  return value;
}

/** An event without a type has the expected type: the topic decides it. */
export function checkEventType({ fields }: JsonObject, expected: string): void {
  const type = fields['event_type'] ?? expected;
  if (type !== expected) throw invalid('wrong_event_type', 'event_type', type, `"${expected}"`);
}

/**
 * An id that is valid in Redis keys. The digits of a JSON number are kept exactly, never rounded.
 * @param normalize brings all spellings of the same id to one
 * @returns null when it is missing or blank
 */
export function optionalId(event: JsonObject, field: string, normalize = normalizeId): string | null {
  const value = event.fields[field];
  if (value === null || value === undefined) return null;
  const text = typeof value === 'number' ? numberText(event.json, field) : value;
  if (typeof text !== 'string' || (typeof value === 'number' && !/^\d+$/.test(text)))
    throw invalid('invalid_id', field, value, 'text, or a whole number without sign, point and exponent');
  const id = normalize(text);
  if (id === '') return null;
  if (isId(id)) return id;
  const detail = `${field} is longer than ${MAX_ID_LENGTH} or has control characters`;
  throw new InvalidEvent('invalid_id', detail);
}

/** As `optionalId`; a missing or blank id is not valid. */
export const requiredId = (event: JsonObject, field: string, normalize = normalizeId): string =>
  required(optionalId(event, field, normalize), 'missing_id', field);

/** The platform in lower case; null when it is missing or blank. */
export function optionalPlatform({ fields }: JsonObject): string | null {
  const value = fields['platform'];
  if (value === null || value === undefined) return null;
  const platform = typeof value === 'string' ? trimInvisible(value).toLowerCase() : null;
  if (platform === '') return null;
  if (platform === null || !isPlatform(platform))
    throw invalid('invalid_field', 'platform', value, 'a name like "tiktok"');
  return platform;
}

/** As `optionalPlatform`; a missing or blank platform is not valid. */
export const requiredPlatform = (event: JsonObject): string =>
  required(optionalPlatform(event), 'invalid_field', 'platform');

/** Characters (UTF-16 code units) of the longest text. Platforms allow a few thousand. */
const MAX_TEXT_LENGTH = 65_536;

/** @param maxLength in UTF-16 code units */
export function optionalText(event: JsonObject, field: string, maxLength = MAX_TEXT_LENGTH): string | null {
  const value = event.fields[field];
  if (value === null || value === undefined) return null;
  let text: unknown = value;
  if (typeof value === 'number') text = numberText(event.json, field);
  if (typeof value === 'boolean') text = String(value);
  if (typeof text !== 'string') throw invalid('invalid_field', field, value, 'text');
  if (text.length <= maxLength) return text;
  const detail = `${field} has ${text.length} characters, accepted are up to ${maxLength}`;
  throw new InvalidEvent('invalid_field', detail);
}

/** Python prints flags as "True" and "False". */
export function optionalFlag({ fields }: JsonObject, field: string): boolean | null {
  const value = fields[field];
  if (value === null || value === undefined) return null;
  const flag = typeof value === 'string' ? trimInvisible(value).toLowerCase() : value;
  if (flag === '') return null;
  if (flag === true || flag === 1 || flag === 'true' || flag === '1') return true;
  if (flag === false || flag === 0 || flag === 'false' || flag === '0') return false;
  throw invalid('invalid_field', field, value, 'true or false');
}

/**
 * Returns the count in the first field that is not empty: a number, or text such as "11.3K".
 * @param names the field for numbers, then those for text
 * @param negative receives the name of a field whose count is negative; without it, such a count is not valid
 * @returns null (unknown) when all fields are absent, and when the count is negative; 0 when a field is present but empty
 */
export function optionalCount(
  { fields }: JsonObject,
  names: readonly string[],
  negative?: string[],
): number | null {
  let isPresent = false;
  for (const name of names) {
    const value = fields[name];
    if (isEmpty(value)) {
      // Null in the field for numbers is as good as absent.
      isPresent ||= value !== undefined && (name !== names[0] || value !== null);
      continue;
    }
    const count = countOf(name, value);
    if (count >= 0) return count;
    if (negative === undefined)
      throw new InvalidEvent('invalid_count', `${name} is ${showValue(value)}: a count is not negative`);
    negative.push(name);
    return null;
  }
  return isPresent ? 0 : null;
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'string' && isBlank(value));

/** @returns a count, or a negative number for a negative one */
function countOf(field: string, value: unknown): number {
  const count =
    typeof value === 'number' ? wholeCount(value) : typeof value === 'string' ? signedCount(value) : null;
  if (count !== null) return count;
  const accepted = 'a whole number up to 2^53 - 1, or text like "11.3K" or "1,234"';
  throw invalid('invalid_count', field, value, accepted);
}

const signedCount = (text: string): number | null => parseCount(text) ?? (isNegativeCount(text) ? -1 : null);

/**
 * How far the clocks of scrapers may run ahead. An event further ahead would move the watermark ahead too, and then all
 * other events would be late.
 */
export const MAX_CLOCK_SKEW_MS = 5 * 60_000;

/**
 * The event time in ms since 1970. `event_time` is ISO 8601 text (UTC when it names no zone), or milliseconds or seconds since
 * 1970 as number or text. An event without it happened when Kafka first received it: a replay makes no old event a new one.
 * @throws InvalidEvent when the time is not valid, or is more than 5 minutes after it was received last
 */
export function eventTimeMs({ fields }: JsonObject, { firstMs, lastMs }: ReceivedTimes): number {
  const field = fields['event_time'];
  const value = typeof field === 'string' ? trimInvisible(field) : field;
  if (value === null || value === undefined || value === '') return firstMs;
  const ms = parseTimeMs(value);
  const accepted = 'ISO 8601 text, or seconds or milliseconds since 1970';
  if (!Number.isFinite(ms) || ms < 0) throw invalid('invalid_event_time', 'event_time', value, accepted);
  if (ms <= lastMs + MAX_CLOCK_SKEW_MS) return ms;
  const detail = `event_time is ${showValue(value)}, over 5 minutes after it was received`;
  throw new InvalidEvent('event_time_in_future', detail);
}

/** Digits of a number of seconds or milliseconds, but not the 8 digits of an ISO date: "20260131" is one. */
const NUMBER = /^(?!\d{8}$)\d+(?:\.\d+)?$/;

function parseTimeMs(value: unknown): number {
  if (typeof value === 'number') return fromNumber(value);
  if (typeof value !== 'string') return NaN;
  return NUMBER.test(value) ? fromNumber(Number(value)) : isoTimeMs(value);
}

/** Seconds since 1970 have 10 digits, milliseconds 13. */
const fromNumber = (value: number): number => wholeMs(value < 1e11 ? value * 1000 : value);

/** In floating point 1769860800.123 × 1000 can be a little below 1769860800123. */
const wholeMs = (ms: number): number => Math.floor(ms + 0.001);
