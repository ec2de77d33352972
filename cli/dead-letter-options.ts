import { InvalidArgumentError, Option } from 'commander';
import type { PartitionOffset } from '../domain/kafka-location.ts';
import { deadLetterReasons } from '../domain/scoring/parse-event.ts';
import { deadLetterTopic } from '../domain/scoring/output-record.ts';
import { isoTimeMs } from '../domain/values/iso-time.ts';
import { parseWholeNumber } from '../domain/values/whole-number.ts';

const MAX_LIMIT = 10_000;

export const topicOption = (): Option =>
  new Option('--topic <topic>', 'the input topic').argParser(parseTopic);

export const reasonOption = (): Option =>
  new Option('--reason <reason>', 'only letters with this reason').choices(deadLetterReasons);

export const sinceOption = (): Option =>
  new Option(
    '--since <when>',
    'only letters written since then: a time in ISO 8601, or an age like 1h',
  ).argParser((text) => parseSince(text, Date.now()));

export const limitOption = (): Option =>
  new Option('--limit <n>', 'at most this many letters').argParser(parseLimit).default(50);

export const offsetsOption = (): Option =>
  new Option('--offsets <offsets>', 'only these letters, as partition:offset,… in the dead letter topic')
    .argParser(parseOffsets)
    .conflicts(['reason', 'since']);

function parseTopic(text: string): string {
  if (!/^[A-Za-z0-9._-]{1,245}$/.test(text))
    throw new InvalidArgumentError('accepted is the name of a topic.');
  if (text.endsWith(deadLetterTopic('')))
    throw new InvalidArgumentError(`name the input topic, without ${deadLetterTopic('')}.`);
  return text;
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidArgumentError(`accepted is a whole number from 1 to ${MAX_LIMIT}.`);
  return limit;
}

/**
 * Parses `0:12,0:15` as offsets in a dead letter topic.
 * @returns sorted by partition and offset, without duplicates
 * @throws InvalidArgumentError
 */
export function parseOffsets(text: string): PartitionOffset[] {
  const offsets = new Map<string, PartitionOffset>();
  for (const item of text.split(',').map((part) => part.trim())) {
    const [partition, offset] = /^\d+:\d+$/.test(item) ? item.split(':').map(parseWholeNumber) : [];
    if (partition == null || offset == null)
      throw new InvalidArgumentError('accepted is a list of partition:offset, like 0:12,0:15.');
    offsets.set(`${partition}:${offset}`, { partition, offset });
  }
  return [...offsets.values()].sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Parses a time as ms since 1970: ISO 8601 text (UTC when it names no zone), or an age like `90s`, `30m`, `1h`, `7d`.
 * @throws InvalidArgumentError
 */
export function parseSince(text: string, nowMs: number): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return nowMs - Number(amount) * (UNIT_MS[unit] ?? 0);
  const ms = text.includes(' ') ? NaN : isoTimeMs(text);
  if (Number.isNaN(ms))
    throw new InvalidArgumentError('accepted is ISO 8601 text like 2026-01-31T12:00:00Z, or an age like 1h.');
  return ms;
}
