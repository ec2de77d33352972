import type { PartitionOffset } from '../kafka-location.ts';
import { isoTimeMs } from '../values/iso-time.ts';
import { parseWholeNumber } from '../values/whole-number.ts';
import type { DeadLetter } from './dead-letter.ts';

/** Selects dead letters. All conditions that are given must hold. */
export interface DeadLetterFilter {
  readonly reason?: string | undefined;
  /** Written at or after this time, ms since 1970. */
  readonly sinceMs?: number | undefined;
}

/** Text that is not a valid filter; the message says what is accepted. */
export class InvalidFilterError extends Error {
  readonly code = 'DEAD_LETTER_FILTER_INVALID';
  constructor(message: string) {
    super(message);
    this.name = 'InvalidFilterError';
  }
}

export const matchesFilter = (letter: DeadLetter, { reason, sinceMs }: DeadLetterFilter): boolean =>
  (reason === undefined || letter.reason === reason) &&
  (sinceMs === undefined || letter.timestampMs >= sinceMs);

/**
 * Parses `0:12,0:15` as offsets in a dead letter topic.
 * @returns sorted by partition and offset, without duplicates
 * @throws InvalidFilterError
 */
export function parseOffsets(text: string): PartitionOffset[] {
  const offsets = new Map<string, PartitionOffset>();
  for (const item of text.split(',').map((part) => part.trim())) {
    const [partition, offset] = /^\d+:\d+$/.test(item) ? item.split(':').map(parseWholeNumber) : [];
    if (partition == null || offset == null)
      throw new InvalidFilterError('accepted is a list of partition:offset, like 0:12,0:15');
    offsets.set(`${partition}:${offset}`, { partition, offset });
  }
  return [...offsets.values()].sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Parses a time as ms since 1970: ISO 8601 text (UTC when it names no zone), or an age like `90s`, `30m`, `1h`, `7d`.
 * @throws InvalidFilterError
 */
export function parseSince(text: string, nowMs: number): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return nowMs - Number(amount) * (UNIT_MS[unit] ?? 0);
  const ms = text.includes(' ') ? NaN : isoTimeMs(text);
  if (Number.isNaN(ms))
    throw new InvalidFilterError('accepted is ISO 8601 text like 2026-01-31T12:00:00Z, or an age like 1h');
  return ms;
}
