/** Milliseconds of each step of a range that ran. */
export type Phases = Readonly<Partial<Record<'fence' | 'read' | 'features' | 'model' | 'cache', number>>>;

/** Records of a range by outcome. */
export interface RangeCounts {
  readonly records: number;
  /** Scored profiles, or refreshed videos. */
  readonly scored: number;
  readonly deadLetters: number;
  readonly late: number;
  readonly superseded: number;
  /** Results that Redis did not accept because it already held a newer one. */
  readonly outdated: number;
}

/** Outcome of a range over all its attempts: counts for the loop's state, never the data. */
export interface RangeReport extends RangeCounts {
  readonly partition: number;
  /** False when an earlier attempt had committed the whole range. */
  readonly committedNow: boolean;
  /** Whether the lakehouse answered in time with the features that events do not have. */
  readonly enriched: boolean;
  /** Of the transaction that was committed last. */
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
