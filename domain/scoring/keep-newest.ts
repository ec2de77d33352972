import type { OffsetRange } from '../kafka-location.ts';
import type { LogRecord } from '../kafka-record.ts';
import type { DeadLetterReason, ParseOutcome } from './parse-event.ts';

/** An event with its record. */
export interface RecordedEvent<E> {
  readonly record: LogRecord;
  readonly event: E;
  /** Whether it is behind the watermark of its partition. */
  readonly late: boolean;
}

/** A record that cannot be processed, with the reason. */
export interface RejectedRecord {
  readonly record: LogRecord;
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

/** The records of a micro-batch by outcome. Each offset that holds a record is in exactly one list. */
export interface Outcomes {
  /** Offsets of scored profiles, or of refreshed videos. */
  readonly scored: readonly number[];
  readonly deadLetters: readonly RejectedRecord[];
  /** The batch has a newer event of the same id, or the same event again. */
  readonly superseded: readonly number[];
  /** Late, and left out because the settings say so. */
  readonly dropped: readonly number[];
}

/** Those of the outcomes whose offsets are in a range. */
export function outcomesIn({ from, to }: Pick<OffsetRange, 'from' | 'to'>, outcomes: Outcomes): Outcomes {
  const isIn = (offset: number) => offset >= from && offset < to;
  return {
    scored: outcomes.scored.filter(isIn),
    deadLetters: outcomes.deadLetters.filter(({ record }) => isIn(record.offset)),
    superseded: outcomes.superseded.filter(isIn),
    dropped: outcomes.dropped.filter(isIn),
  };
}

/**
 * Events this much older than the newest event of their partition are late (docs/contract.md: watermark of 5 minutes). Order exists
 * within a partition only, so there is no watermark of a topic.
 */
const WATERMARK_DELAY_MS = 5 * 60_000;

/** Parses records and keeps the newest event of each id. Newer means a later event time, or the same time and a higher offset. */
export function keepNewest<E extends { readonly event_time_ms: number }>(
  records: readonly LogRecord[],
  parse: (record: LogRecord, nowMs: number) => ParseOutcome<E>,
  idOf: (event: E) => string,
  { newestEventMs: committed, lateEvents, nowMs }: Lateness,
) {
  // The clock of the worker before this one may be ahead.
  const before = committed === null ? null : Math.min(committed, nowMs);
  const watermarkMs = before === null ? -Infinity : before - WATERMARK_DELAY_MS;
  const newest = new Map<string, RecordedEvent<E>>();
  const deadLetters: RejectedRecord[] = [];
  const dropped: number[] = [];
  const superseded: number[] = [];
  let newestEventMs = before;
  for (const record of records) {
    const outcome = parse(record, nowMs);
    if (outcome.kind === 'deadLetter') {
      deadLetters.push({ record, reason: outcome.reason, detail: outcome.detail });
      continue;
    }
    const event = outcome.value;
    const late = event.event_time_ms < watermarkMs;
    // The clock of a scraper may be ahead; that of the worker is the limit.
    newestEventMs = Math.max(newestEventMs ?? 0, Math.min(event.event_time_ms, nowMs));
    if (late && lateEvents === 'drop') {
      dropped.push(record.offset);
      continue;
    }
    const id = idOf(event);
    const previous = newest.get(id);
    if (previous !== undefined && previous.event.event_time_ms > event.event_time_ms) {
      superseded.push(record.offset);
      continue;
    }
    if (previous !== undefined) superseded.push(previous.record.offset);
    newest.set(id, { record, event, late });
  }
  return {
    /** The newest event of each id, in offset order; only these are processed further. */
    newest: [...newest.values()].sort((a, b) => a.record.offset - b.record.offset),
    deadLetters,
    superseded: superseded.sort((a, b) => a - b),
    dropped,
    /** Newest event time of the partition after this batch. */
    newestEventMs,
  };
}
