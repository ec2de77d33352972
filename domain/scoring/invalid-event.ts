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

/** A value for an error message: short, and as JSON so that it cannot break a log line. */
export const showValue = (value: unknown): string =>
  (JSON.stringify(value) ?? 'undefined').slice(0, MAX_SHOWN_LENGTH);
