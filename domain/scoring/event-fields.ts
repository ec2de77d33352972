import { isId, MAX_ID_LENGTH } from '../values/id.ts';
import { isPlatform } from '../values/platform.ts';
import { InvalidEvent, showValue } from './invalid-event.ts';
import { parseCount } from './parse-count.ts';
import type { JsonObject } from './parse-json-object.ts';

// Readers of single event fields. Each throws InvalidEvent for a value that is not valid.

/** An event without a type has the expected type: the topic decides it. */
export function checkEventType(event: JsonObject, expected: string): void {
  const type = event['event_type'] ?? expected;
  if (type !== expected)
    throw new InvalidEvent('wrong_event_type', `event_type is ${showValue(type)}, accepted is "${expected}"`);
}

/** An id that is valid in Redis keys, without leading and trailing blanks. */
export function requiredId(event: JsonObject, field: string): string {
  const value = event[field];
  if (value === null || value === undefined || value === '')
    throw new InvalidEvent('missing_id', `${field} is missing`);
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new InvalidEvent('invalid_id', `${field} is ${showValue(value)}, accepted is text`);
  const id = String(value).trim();
  if (id === '') throw new InvalidEvent('missing_id', `${field} is blank`);
  if (!isId(id))
    throw new InvalidEvent(
      'invalid_id',
      `${field} is longer than ${MAX_ID_LENGTH} or has control characters`,
    );
  return id;
}

/** The platform in lower case. */
export function requiredPlatform(event: JsonObject): string {
  const platform = event['platform'];
  if (typeof platform !== 'string' || !isPlatform(platform.toLowerCase()))
    throw new InvalidEvent(
      'invalid_field',
      `platform is ${showValue(platform)}, accepted is a name like "tiktok"`,
    );
  return platform.toLowerCase();
}

export function optionalText(event: JsonObject, field: string): string | null {
  const value = event[field];
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new InvalidEvent('invalid_field', `${field} is ${showValue(value)}, accepted is text`);
}

export function optionalFlag(event: JsonObject, field: string): boolean | null {
  const value = event[field];
  if (value === null || value === undefined || value === '') return null;
  if (value === true || value === 1 || value === 'true' || value === '1') return true;
  if (value === false || value === 0 || value === 'false' || value === '0') return false;
  throw new InvalidEvent('invalid_field', `${field} is ${showValue(value)}, accepted is true or false`);
}

/**
 * A count: a number in `field`, or else human-readable text such as "11.3K" in one of the raw fields.
 * @returns null (unknown) when all fields are absent; 0 when the raw field is present but empty
 */
export function optionalCount(
  event: JsonObject,
  field: string,
  ...rawFields: readonly string[]
): number | null {
  const value = event[field];
  if (value !== null && value !== undefined) return countOf(field, value);
  const rawField = rawFields.find((name) => event[name] !== undefined);
  return rawField === undefined ? null : rawCountOf(rawField, event[rawField]);
}

function countOf(field: string, value: unknown): number {
  const count = typeof value === 'string' ? parseCount(value) : value;
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0)
    throw new InvalidEvent(
      'invalid_count',
      `${field} is ${showValue(value)}, accepted is a whole number of 0 to 2^53 - 1`,
    );
  return count;
}

function rawCountOf(field: string, raw: unknown): number {
  if (raw !== null && typeof raw !== 'string' && typeof raw !== 'number')
    throw new InvalidEvent('invalid_count', `${field} is ${showValue(raw)}, accepted is text like "11.3K"`);
  const count = parseCount(raw === null ? null : String(raw));
  if (count === null)
    throw new InvalidEvent(
      'invalid_count',
      `${field} is ${showValue(raw)}, accepted is text like "11.3K" or "1,234"`,
    );
  return count;
}
