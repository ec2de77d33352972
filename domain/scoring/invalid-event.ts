import type { DeadLetterReason } from './parse-outcome.ts';

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
