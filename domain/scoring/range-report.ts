import { phaseNames, type Phases } from './output-records.ts';

/** What became of a range: counts for the loop's state, never the data. */
export interface RangeReport {
  readonly partition: number;
  /** False when an earlier attempt had committed it already. */
  readonly committedNow: boolean;
  readonly records: number;
  /** Scored profiles, or refreshed videos. */
  readonly scored: number;
  readonly deadLetters: number;
  readonly late: number;
  readonly superseded: number;
  /** Redis had something newer already. */
  readonly outdated: number;
  /** Whether the lakehouse answered in time for what events lack. */
  readonly enriched: boolean;
  readonly phases: Phases | null;
}

/** An earlier attempt did it all. */
export const nothingDone = (partition: number): RangeReport => ({
  partition,
  committedNow: false,
  records: 0,
  scored: 0,
  deadLetters: 0,
  late: 0,
  superseded: 0,
  outdated: 0,
  enriched: true,
  phases: null,
});

/** What became of two parts of a range, one after the other. */
export function addReports(a: RangeReport, b: RangeReport): RangeReport {
  const sum = (count: (report: RangeReport) => number) => count(a) + count(b);
  return {
    partition: a.partition,
    committedNow: a.committedNow || b.committedNow,
    records: sum(({ records }) => records),
    scored: sum(({ scored }) => scored),
    deadLetters: sum(({ deadLetters }) => deadLetters),
    late: sum(({ late }) => late),
    superseded: sum(({ superseded }) => superseded),
    outdated: sum(({ outdated }) => outdated),
    enriched: a.enriched && b.enriched,
    phases: addPhases(a.phases, b.phases),
  };
}

function addPhases(a: Phases | null, b: Phases | null): Phases | null {
  if (a === null || b === null) return a ?? b;
  return Object.fromEntries(phaseNames.map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
}
