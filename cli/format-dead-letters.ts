import { formatLocation } from '../domain/kafka-location.ts';
import type { DeadLetter } from '../domain/scoring/dead-letter.ts';
import { printable } from './printable.ts';
import { printTable } from './table.ts';

/** Prints letters as a table. The first column has the form that `--offsets` accepts. */
export function printDeadLetters(topic: string, letters: readonly DeadLetter[], limit: number): void {
  if (letters.length === 0) return console.log(`${topic} has no matching dead letters.`);
  printTable(
    ['offset', 'time', 'reason', 'original', 'key', 'message', 'value'],
    letters.map(({ location, timestampMs, reason, original, key, message, value, leftOutBytes }) => [
      `${location.partition}:${location.offset}`,
      new Date(timestampMs).toISOString(),
      printable(reason ?? '?', 30),
      printable(original === null ? '?' : formatLocation(original), 60),
      printable(key, 24),
      printable(message ?? '', 60),
      leftOutBytes === null ? printable(value, 40) : `(${leftOutBytes} bytes, left out)`,
    ]),
  );
  if (letters.length === limit) console.log(`Showing the newest ${limit}; use --limit to show more.`);
}

/** A letter for JSON output. Key and value are shortened text; the topic has the bytes. */
export const deadLetterToJson = ({
  location,
  original,
  timestampMs,
  reason,
  message,
  key,
  value,
  replayedFrom,
  leftOutBytes,
}: DeadLetter) => ({
  location,
  original,
  time: new Date(timestampMs).toISOString(),
  reason,
  message,
  key: key === null ? null : printable(key, 256),
  value: value === null ? null : printable(value, 256),
  valueBytes: value?.length ?? null,
  replayedFrom,
  leftOutBytes,
});
