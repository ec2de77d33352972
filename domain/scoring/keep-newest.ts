import type { ParseOutcome } from './parse-outcome.ts';

/** An event with its place in the input. */
export interface EventAtOffset<E> {
  readonly offset: number;
  readonly event: E;
}

/** A record that cannot be processed, with why. */
export interface RejectedRecord {
  readonly offset: number;
  readonly reason: Extract<ParseOutcome<unknown>, { kind: 'deadLetter' }>['reason'];
  readonly detail: string;
}

/** Every record of a range under exactly one heading. */
export interface SortedEvents<E> {
  /** The newest event of each id; these go on. */
  readonly newest: EventAtOffset<E>[];
  readonly deadLetters: RejectedRecord[];
  /** Older than the watermark: counted, and change nothing. */
  readonly late: number[];
  /** A newer event of the same id is in the range. */
  readonly superseded: number[];
  readonly maxEventTimeMs: number | null;
}

/**
 * Sorts the parsed records of a range. Newer means later event time, then higher offset.
 * @param watermarkMs events before it are late; null when none has been reached
 */
export function keepNewest<E extends { readonly event_time_ms: number }>(
  parsed: readonly { readonly offset: number; readonly outcome: ParseOutcome<E> }[],
  idOf: (event: E) => string,
  watermarkMs: number | null,
): SortedEvents<E> {
  const newest = new Map<string, EventAtOffset<E>>();
  const deadLetters: RejectedRecord[] = [];
  const late: number[] = [];
  const superseded: number[] = [];
  let maxEventTimeMs: number | null = null;
  for (const { offset, outcome } of parsed) {
    if (outcome.kind === 'deadLetter') {
      deadLetters.push({ offset, reason: outcome.reason, detail: outcome.detail });
      continue;
    }
    const event = outcome.value;
    maxEventTimeMs = Math.max(maxEventTimeMs ?? 0, event.event_time_ms);
    if (watermarkMs !== null && event.event_time_ms < watermarkMs) {
      late.push(offset);
      continue;
    }
    const id = idOf(event);
    const other = newest.get(id);
    if (other !== undefined && other.event.event_time_ms > event.event_time_ms) {
      superseded.push(offset);
      continue;
    }
    if (other !== undefined) superseded.push(other.offset);
    newest.set(id, { offset, event });
  }
  return {
    newest: [...newest.values()].sort((a, b) => a.offset - b.offset),
    deadLetters,
    late,
    superseded: superseded.sort((a, b) => a - b),
    maxEventTimeMs,
  };
}
