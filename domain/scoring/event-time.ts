import { isoTimeMs } from '../values/iso-time.ts';
import { trimInvisible } from '../values/trim-invisible.ts';
import { InvalidEvent, showValue } from './invalid-event.ts';
import type { JsonObject } from './parse-json-object.ts';

/**
 * How far the clocks of scrapers may run ahead. An event further ahead would move the watermark ahead too, and then all
 * other events would be late.
 */
const MAX_CLOCK_SKEW_MS = 5 * 60_000;

/**
 * When Kafka received a record, in ms since 1970. Never later than now: a producer with a wrong clock may have set the time.
 * @param timestampMs the record's time; -1 when the record has none
 */
export const receivedTimeMs = (timestampMs: number, nowMs: number): number =>
  timestampMs < 0 ? nowMs : Math.min(timestampMs, nowMs);

/**
 * The event time in ms since 1970. `event_time` is ISO 8601 text (UTC when it names no zone), or milliseconds or seconds since
 * 1970 as number or text. An event without it happened when Kafka received it.
 * @throws InvalidEvent when the time is not valid, or is more than 5 minutes after `receivedMs`
 */
export function eventTimeMs({ fields }: JsonObject, receivedMs: number): number {
  const field = fields['event_time'];
  const value = typeof field === 'string' ? trimInvisible(field) : field;
  if (value === null || value === undefined || value === '') return receivedMs;
  const ms = parseTimeMs(value);
  if (!Number.isFinite(ms) || ms < 0)
    throw new InvalidEvent(
      'invalid_event_time',
      `event_time is ${showValue(value)}, accepted is ISO 8601 text, or seconds or milliseconds since 1970`,
    );
  if (ms > receivedMs + MAX_CLOCK_SKEW_MS)
    throw new InvalidEvent(
      'event_time_in_future',
      `event_time is ${showValue(value)}, over 5 minutes after it was received`,
    );
  return ms;
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
