import type { OffsetRange } from '../../domain/kafka-location.ts';
import type { PrintedRecord } from '../support/read-topics.ts';
import { locationKey, OUTCOME_KINDS, type InputEvent, type OutcomeKind } from './observed-run.ts';
import type { Violations } from './violations.ts';

/** First and last offset of consecutive offsets with the same outcome. */
type Spans = readonly (readonly [first: number, last: number])[];

/** A range that was committed. */
interface CommittedRange extends OffsetRange {
  /** The attempt of the activity that committed it; the first is 1. */
  readonly attempt: number;
  readonly outcomes: Readonly<Record<OutcomeKind, Spans>>;
}

/** The outcome of an offset in the ledger, and its range. */
export interface LedgerOutcome {
  readonly kind: OutcomeKind;
  readonly range: CommittedRange;
}

/** The ranges of a topic, in commit order. */
export function rangesOf(topic: string, ledger: readonly PrintedRecord[]): CommittedRange[] {
  return (
    [...ledger]
      .sort((a, b) => a.offset - b.offset)
      .map(({ value }) => JSON.parse(value) as CommittedRange & Record<OutcomeKind, Spans>)
      // Records of a start or a seek are no ranges.
      .filter((record) => record.topic === topic && !('seek' in record))
      .map(({ partition, from, to, attempt, scored, dead_letters, superseded, dropped }) => ({
        topic,
        partition,
        from,
        to,
        attempt,
        outcomes: { scored, dead_letters, superseded, dropped },
      }))
  );
}

/** The ranges of a partition cover its input: each starts where the one committed before it ended. */
export function checkRanges(
  ranges: readonly CommittedRange[],
  input: readonly InputEvent[],
  violations: Violations,
): void {
  const bounds = boundsByPartition(input);
  for (const partition of new Set([...bounds.keys(), ...ranges.map((range) => range.partition)])) {
    const bound = bounds.get(partition);
    let next = bound?.first ?? 0;
    for (const { from, to } of ranges.filter((range) => range.partition === partition)) {
      const range = `${partition}/[${from}, ${to}) after ${next}`;
      if (from > next) violations.add('gap between ranges', range);
      if (from < next) violations.add('range overlaps an earlier one', range);
      if (to <= from) violations.add('empty range', range);
      next = Math.max(next, to);
    }
    if (bound === undefined) violations.add('ranges of a partition without input', String(partition));
    else if (next !== bound.last + 1)
      violations.add('ranges do not end where the input ends', `${partition}: ${next} of ${bound.last + 1}`);
  }
}

/** The first and last input offset of each partition. */
function boundsByPartition(input: readonly InputEvent[]): Map<number, { first: number; last: number }> {
  const bounds = new Map<number, { first: number; last: number }>();
  for (const { partition, offset } of input) {
    const { first, last } = bounds.get(partition) ?? { first: offset, last: offset };
    bounds.set(partition, { first: Math.min(first, offset), last: Math.max(last, offset) });
  }
  return bounds;
}

/** The outcome of each offset. Two outcomes for one offset are a violation. */
export function outcomesOf(
  ranges: readonly CommittedRange[],
  violations: Violations,
): Map<string, LedgerOutcome> {
  const outcomes = new Map<string, LedgerOutcome>();
  for (const range of ranges) {
    for (const kind of OUTCOME_KINDS) {
      for (const [first, last] of range.outcomes[kind]) {
        if (first < range.from || last >= range.to)
          violations.add('outcome outside its range', `${range.partition}/${first}–${last}`);
        for (let offset = first; offset <= last; offset += 1) {
          const location = locationKey({ partition: range.partition, offset });
          const other = outcomes.get(location);
          if (other) violations.add('offset with two outcomes', `${location}: ${other.kind} and ${kind}`);
          outcomes.set(location, { kind, range });
        }
      }
    }
  }
  return outcomes;
}
