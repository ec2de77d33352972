import type { ParseOutcome } from './parse-outcome.ts';

/** An event with its offset in the partition. */
export interface EventAtOffset<E> {
  readonly offset: number;
  readonly event: E;
}

/** A record that cannot be processed, with the reason. */
export interface RejectedRecord {
  readonly offset: number;
  readonly reason: Extract<ParseOutcome<unknown>, { kind: 'deadLetter' }>['reason'];
  readonly detail: string;
}

/** The records of a range by outcome: each offset is in exactly one list. */
interface SortedEvents<E> {
  /** The newest event of each id, in offset order; only these are processed further. */
  readonly newest: EventAtOffset<E>[];
  readonly deadLetters: RejectedRecord[];
  /** Older than the watermark: only counted. */
  readonly late: number[];
  /** The range has a newer event of the same id. */
  readonly superseded: number[];
  readonly maxEventTimeMs: number | null;
}

/**
 * Keeps the newest event of each id in a range. Newer means a later event time, or the same time and a higher offset.
 * @param watermarkMs events before it are late; null when the topic has no watermark yet
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
    const previous = newest.get(id);
    if (previous !== undefined && previous.event.event_time_ms > event.event_time_ms) {
      superseded.push(offset);
      continue;
    }
    if (previous !== undefined) superseded.push(previous.offset);
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
