import type { PrintedRecord } from '../support/read-topics.ts';
import type { Complaints } from './complaints.ts';
import { OUTCOME_KINDS, placeOf, type InputEvent, type OutcomeKind } from './evidence.ts';

type Spans = readonly (readonly [number, number])[];

/** A range that was committed. */
interface CommittedRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  /** Which attempt of its activity committed it; the first is 1. */
  readonly attempt: number;
  readonly outcomes: Readonly<Record<OutcomeKind, Spans>>;
}

/** What the ledger says became of an offset, and in which range. */
export interface LedgerOutcome {
  readonly kind: OutcomeKind;
  readonly range: CommittedRange;
}

/** The ranges of a topic, in the order in which they were committed. */
export function rangesOf(topic: string, ledger: readonly PrintedRecord[]): CommittedRange[] {
  return (
    [...ledger]
      .sort((a, b) => a.offset - b.offset)
      .map(({ value }) => JSON.parse(value) as CommittedRange & Record<OutcomeKind, Spans>)
      // A start or a seek is noted too; it is no range.
      .filter((record) => record.topic === topic && !('seek' in record))
      .map(({ partition, from, to, attempt, scored, dead_letters, late, superseded }) => ({
        topic,
        partition,
        from,
        to,
        attempt,
        outcomes: { scored, dead_letters, late, superseded },
      }))
  );
}

/** In each partition, from its first to its last input offset, each range begins where the one committed before it ended. */
export function checkRanges(
  ranges: readonly CommittedRange[],
  input: readonly InputEvent[],
  complaints: Complaints,
): void {
  const ends = new Map<number, { first: number; last: number }>();
  for (const { partition, offset } of input) {
    const { first, last } = ends.get(partition) ?? { first: offset, last: offset };
    ends.set(partition, { first: Math.min(first, offset), last: Math.max(last, offset) });
  }
  for (const partition of new Set([...ends.keys(), ...ranges.map((range) => range.partition)])) {
    const end = ends.get(partition);
    let next = end?.first ?? 0;
    for (const { from, to } of ranges.filter((range) => range.partition === partition)) {
      const range = `${partition}/[${from}, ${to}) after ${next}`;
      if (from > next) complaints.add('gap between ranges', range);
      if (from < next) complaints.add('range overlaps an earlier one', range);
      if (to <= from) complaints.add('empty range', range);
      next = Math.max(next, to);
    }
    if (end === undefined) complaints.add('ranges of a partition without input', String(partition));
    else if (next !== end.last + 1)
      complaints.add('ranges do not end where the input ends', `${partition}: ${next} of ${end.last + 1}`);
  }
}

/** The outcome of each offset; an offset that has two is complained of. */
export function outcomesOf(
  ranges: readonly CommittedRange[],
  complaints: Complaints,
): Map<string, LedgerOutcome> {
  const outcomes = new Map<string, LedgerOutcome>();
  for (const range of ranges) {
    for (const kind of OUTCOME_KINDS) {
      for (const [first, last] of range.outcomes[kind]) {
        if (first < range.from || last >= range.to)
          complaints.add('outcome outside its range', `${range.partition}/${first}–${last}`);
        for (let offset = first; offset <= last; offset += 1) {
          const place = placeOf({ partition: range.partition, offset });
          const other = outcomes.get(place);
          if (other) complaints.add('offset with two outcomes', `${place}: ${other.kind} and ${kind}`);
          outcomes.set(place, { kind, range });
        }
      }
    }
  }
  return outcomes;
}
