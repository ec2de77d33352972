import type { Phases } from './output-records.ts';

/** How many records of a range came to what. */
export interface RangeCounts {
  readonly records: number;
  /** Scored profiles, or refreshed videos. */
  readonly scored: number;
  readonly deadLetters: number;
  readonly late: number;
  readonly superseded: number;
  /** Redis had something newer already. */
  readonly outdated: number;
}

/** What became of a range, whatever attempts it took: counts for the loop's state, never the data. */
export interface RangeReport extends RangeCounts {
  readonly partition: number;
  /** False when an earlier attempt had committed it all. */
  readonly committedNow: boolean;
  /** Whether the lakehouse answered in time for what events lack. */
  readonly enriched: boolean;
  /** Of what was committed last. */
  readonly phases: Phases | null;
}

export const NO_COUNTS: RangeCounts = {
  records: 0,
  scored: 0,
  deadLetters: 0,
  late: 0,
  superseded: 0,
  outdated: 0,
};

export const addCounts = (a: RangeCounts, b: RangeCounts): RangeCounts => ({
  records: a.records + b.records,
  scored: a.scored + b.scored,
  deadLetters: a.deadLetters + b.deadLetters,
  late: a.late + b.late,
  superseded: a.superseded + b.superseded,
  outdated: a.outdated + b.outdated,
});
