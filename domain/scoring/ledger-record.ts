import type { OffsetRange } from '../kafka-location.ts';
import type { OutputRecord } from './output-record.ts';
import type { Phases } from './partition-totals.ts';

/** Offsets of a micro-batch by outcome; each offset that held a record is in exactly one list. */
export interface BatchOutcomes {
  readonly scored: readonly number[];
  readonly deadLettered: readonly number[];
  readonly superseded: readonly number[];
  /** Late, and left out because the settings say so. */
  readonly dropped: readonly number[];
}

/** Who committed a micro-batch, and how. */
export interface LedgerNote {
  readonly worker: string;
  readonly attempt: number;
  readonly modelVersion: string | null;
  readonly phases: Phases;
}

/**
 * The ledger's record of a committed micro-batch, or of a part of it.
 * @param outcomes of all offsets of the batch; those outside the range are left out
 */
export function ledgerRecord(
  { topic, partition, from, to }: OffsetRange,
  outcomes: BatchOutcomes,
  note: LedgerNote,
): OutputRecord {
  const spans = (offsets: readonly number[]) =>
    offsetSpans(offsets.filter((offset) => offset >= from && offset < to));
  return {
    key: `${topic}/${partition}`,
    value: JSON.stringify({
      topic,
      partition,
      from,
      to,
      scored: spans(outcomes.scored),
      dead_letters: spans(outcomes.deadLettered),
      superseded: spans(outcomes.superseded),
      dropped: spans(outcomes.dropped),
      model_version: note.modelVersion,
      worker: note.worker,
      attempt: note.attempt,
      phases_ms: note.phases,
    }),
    headers: {},
  };
}

/** Offsets in ascending order as `[first, last]` spans: [1,2,3,7] → [[1,3],[7,7]]. A thousand offsets take a few bytes. */
function offsetSpans(offsets: readonly number[]): [number, number][] {
  const spans: [number, number][] = [];
  for (const offset of [...offsets].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && offset === last[1] + 1) last[1] = offset;
    else spans.push([offset, offset]);
  }
  return spans;
}
