import type { LoopTotals } from '../../contract/scoring-loop.ts';
import type { RangeReport } from '../../domain/scoring/range-report.ts';

export const NO_TOTALS: LoopTotals = {
  records: 0,
  scored: 0,
  deadLetters: 0,
  late: 0,
  superseded: 0,
  expired: 0,
};

/** Adds the reports of a batch to the totals. A range without a report (null) adds nothing. */
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
