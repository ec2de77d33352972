import type { DeadLetterReason, ParseOutcome } from './parse-event.ts';

/** An event with its offset in the partition. */
export interface EventAtOffset<E> {
  readonly offset: number;
  readonly event: E;
  /** Whether it is behind the watermark of its partition. */
  readonly late: boolean;
}

/** A record that cannot be processed, with the reason. */
export interface RejectedRecord {
  readonly offset: number;
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

/** How events behind the watermark are treated. */
export interface Lateness {
  /** Newest event time of the partition before this batch. */
  readonly newestEventMs: number | null;
  /** `score`: like any other event, and marked. `drop`: only counted. */
  readonly lateEvents: 'score' | 'drop';
  readonly nowMs: number;
}

/** The records of a micro-batch by outcome: each offset is in exactly one list. */
export interface SortedEvents<E> {
  /** The newest event of each id, in offset order; only these are processed further. */
  readonly newest: readonly EventAtOffset<E>[];
  readonly deadLetters: readonly RejectedRecord[];
  /** The batch has a newer event of the same id, or the same event again. */
  readonly superseded: readonly number[];
  /** Late, and left out. */
  readonly dropped: readonly number[];
  /** Newest event time of the partition after this batch. */
  readonly newestEventMs: number | null;
}

/** Keeps the newest event of each id. Newer means a later event time, or the same time and a higher offset. */
export function keepNewest<E extends { readonly event_time_ms: number }>(
  parsed: readonly { readonly offset: number; readonly outcome: ParseOutcome<E> }[],
  idOf: (event: E) => string,
  { newestEventMs: before, lateEvents, nowMs }: Lateness,
): SortedEvents<E> {
  const watermarkMs = watermarkOf(before) ?? -Infinity;
  const newest = new Map<string, EventAtOffset<E>>();
  const deadLetters: RejectedRecord[] = [];
  const dropped: number[] = [];
  const superseded: number[] = [];
  let newestEventMs = before;
  for (const { offset, outcome } of parsed) {
    if (outcome.kind === 'deadLetter') {
      deadLetters.push({ offset, reason: outcome.reason, detail: outcome.detail });
      continue;
    }
    const event = outcome.value;
    const late = event.event_time_ms < watermarkMs;
    newestEventMs = Math.max(newestEventMs ?? 0, boundedEventTime(event.event_time_ms, nowMs));
    if (late && lateEvents === 'drop') {
      dropped.push(offset);
      continue;
    }
    const id = idOf(event);
    const previous = newest.get(id);
    if (previous !== undefined && previous.event.event_time_ms > event.event_time_ms) {
      superseded.push(offset);
      continue;
    }
    if (previous !== undefined) superseded.push(previous.offset);
    newest.set(id, { offset, event, late });
  }
  return {
    newest: [...newest.values()].sort((a, b) => a.offset - b.offset),
    deadLetters,
    superseded: superseded.sort((a, b) => a - b),
    dropped,
    newestEventMs,
  };
}

/** Events this much older than the newest event of their partition are late (docs/contract.md: watermark of 5 minutes). */
const WATERMARK_DELAY_MS = 5 * 60_000;

/**
 * The watermark of a partition in ms since 1970: its newest event time minus the delay. Order exists within a partition only, so
 * there is no watermark of a topic.
 * @param newestMs newest event time so far, see {@link boundedEventTime}; null before the first event
 */
const watermarkOf = (newestMs: number | null): number | null =>
  newestMs === null ? null : newestMs - WATERMARK_DELAY_MS;

/** The event time that enters the watermark. The clock of a scraper may be ahead; that of the worker is the limit. */
const boundedEventTime = (eventTimeMs: number, nowMs: number): number => Math.min(eventTimeMs, nowMs);
