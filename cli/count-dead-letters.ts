import type { DeadLetter } from '../domain/scoring/dead-letter.ts';
import { printable } from './printable.ts';

export interface DeadLetterCounts {
  readonly total: number;
  /** Number of letters by reason, most frequent first. */
  readonly byReason: Readonly<Record<string, number>>;
  /** The counts for a sentence: ` (not_json 3, tombstone 1)`, or nothing if there are none. */
  readonly text: string;
}

/** Counts dead letters by reason. A letter without a reason counts under `?`. */
export async function countDeadLetters(
  batches: AsyncIterable<readonly DeadLetter[]>,
): Promise<DeadLetterCounts> {
  const counts = new Map<string, number>();
  for await (const letters of batches)
    for (const { reason } of letters) counts.set(reason ?? '?', (counts.get(reason ?? '?') ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const text = sorted.map(([reason, count]) => `${printable(reason, 30)} ${count}`).join(', ');
  return {
    total: sorted.reduce((sum, [, count]) => sum + count, 0),
    byReason: Object.fromEntries(sorted),
    text: text === '' ? '' : ` (${text})`,
  };
}
