import type { OffsetsByPartition, OffsetDifferences } from '../domain/scoring/compare-offsets.ts';
import type { RangeReport } from '../domain/scoring/range-report.ts';
import type { EventKind } from '../domain/scoring/topics.ts';

/** What an operator may change while the loop runs. */
export interface LoopSettings {
  /** Offsets a batch takes at most, over all partitions. */
  readonly maxOffsets: number;
  /** Seconds between the starts of two batches where there is no backlog; 'available': as soon as there is data. */
  readonly trigger: number | 'available';
}

/** Counts since the loop was first started. */
export interface LoopTotals {
  readonly records: number;
  readonly scored: number;
  readonly deadLetters: number;
  readonly late: number;
  readonly superseded: number;
  readonly expired: number;
}

/** The last batch that had work. */
export interface LastBatch {
  readonly plannedAtMs: number;
  readonly offsets: number;
  readonly partitions: number;
  readonly durationMs: number;
}

export interface LoopState {
  readonly topic: string;
  readonly kind: EventKind;
  readonly group: string;
  readonly settings: LoopSettings;
  readonly state: 'waiting' | 'scoring' | 'paused' | 'seeking';
  readonly paused: boolean;
  readonly batches: number;
  readonly totals: LoopTotals;
  readonly lastBatch: LastBatch | null;
  /** Offsets behind when the last batch was planned, less what it took. */
  readonly lag: number;
  /** Partitions whose log ends before the committed offset; they wait for a seek. */
  readonly truncated: readonly number[];
  /** Where the loop saw the group last, by partition: the evidence where Kafka has forgotten it. */
  readonly positions: OffsetsByPartition;
  /** When Kafka last said something else than that. */
  readonly disagreement: (OffsetDifferences & { readonly atMs: number }) | null;
}

export const NO_TOTALS: LoopTotals = {
  records: 0,
  scored: 0,
  deadLetters: 0,
  late: 0,
  superseded: 0,
  expired: 0,
};

/** The totals with what became of a batch. */
export function addReports(
  totals: LoopTotals,
  reports: readonly (RangeReport | null)[],
  expired: number,
): LoopTotals {
  const sum = (count: (report: RangeReport) => number) =>
    reports.reduce((total, report) => total + (report === null ? 0 : count(report)), 0);
  return {
    records: totals.records + sum(({ records }) => records),
    scored: totals.scored + sum(({ scored }) => scored),
    deadLetters: totals.deadLetters + sum(({ deadLetters }) => deadLetters),
    late: totals.late + sum(({ late }) => late),
    superseded: totals.superseded + sum(({ superseded }) => superseded),
    expired: totals.expired + expired,
  };
}
