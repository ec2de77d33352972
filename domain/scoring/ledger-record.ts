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

/** The ledger's record of a committed micro-batch. */
export const ledgerRecord = (
  { topic, partition, from, to }: OffsetRange,
  outcomes: BatchOutcomes,
  attempt: {
    readonly worker: string;
    readonly attempt: number;
    readonly modelVersion: string | null;
    readonly phases: Phases;
  },
): OutputRecord => ({
  key: `${topic}/${partition}`,
  value: JSON.stringify({
    topic,
    partition,
    from,
    to,
    scored: offsetSpans(outcomes.scored),
    dead_letters: offsetSpans(outcomes.deadLettered),
    superseded: offsetSpans(outcomes.superseded),
    dropped: offsetSpans(outcomes.dropped),
    model_version: attempt.modelVersion,
    worker: attempt.worker,
    attempt: attempt.attempt,
    phases_ms: attempt.phases,
  }),
  headers: {},
});

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
