import { printPlace, type DeadLetter } from '../domain/scoring/dead-letter.ts';
import { printable } from './printable.ts';
import { printTable } from './table.ts';

/** Letters as a table; places are as `--offsets` takes them. */
export function printLetters(topic: string, letters: readonly DeadLetter[], limit: number): void {
  if (letters.length === 0) return console.log(`${topic} has no such dead letters.`);
  printTable(
    ['place', 'time', 'reason', 'original', 'key', 'message', 'value'],
    letters.map(({ place, timestampMs, reason, original, key, message, value, leftOutBytes }) => [
      `${place.partition}:${place.offset}`,
      new Date(timestampMs).toISOString(),
      printable(reason ?? '?', 30),
      printable(original === null ? '?' : printPlace(original), 60),
      printable(key, 24),
      printable(message ?? '', 60),
      leftOutBytes === null ? printable(value, 40) : `(${leftOutBytes} bytes, left out)`,
    ]),
  );
  if (letters.length === limit) console.log(`The newest ${limit}; --limit shows more.`);
}

/** A letter in JSON: key and value as text, shortened; the bytes are in the topic. */
export const asJson = ({
  place,
  original,
  timestampMs,
  reason,
  message,
  key,
  value,
  replayedFrom,
  leftOutBytes,
}: DeadLetter) => ({
  place,
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

export interface ReasonCounts {
  readonly total: number;
  readonly byReason: Readonly<Record<string, number>>;
  /** For a sentence: ` (not_json 3, tombstone 1)`, or nothing. */
  readonly text: string;
}

export async function countByReason(letters: AsyncIterable<readonly DeadLetter[]>): Promise<ReasonCounts> {
  const counts = new Map<string, number>();
  for await (const some of letters)
    for (const { reason } of some) counts.set(reason ?? '?', (counts.get(reason ?? '?') ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const text = sorted.map(([reason, count]) => `${printable(reason, 30)} ${count}`).join(', ');
  return {
    total: sorted.reduce((sum, [, count]) => sum + count, 0),
    byReason: Object.fromEntries(sorted),
    text: text === '' ? '' : ` (${text})`,
  };
}
