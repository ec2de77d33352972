import type { WarmPart } from './warm-parts.ts';

/** Report of the warm of one part. */
export interface PartReport {
  readonly part: WarmPart;
  readonly rowsRead: number;
  /** Keys written, or keys that a dry run would write. Keys that held an equal row are not included. */
  readonly keys: number;
  /** Approximate size of the written entries. */
  readonly bytes: number;
  readonly durationMs: number;
  /** Keys whose TTL was refreshed, because their rows have not changed. */
  readonly renewed: number;
  /** Keys deleted because the lakehouse no longer has their rows. */
  readonly removed: number;
  /** Keys of the part that are cached at the end; of a scope, those in it. 0 in a dry run. */
  readonly cached: number;
  /** Rows left out because they do not match the schema, with a few examples. */
  readonly rejected: number;
  readonly rejectedExamples: readonly string[];
  /** Columns that Trino cannot read, and that are cached as unknown. */
  readonly unreadableColumns: number;
  /** Work that was skipped, with the reason. */
  readonly skipped: readonly string[];
  /** Problems that an operator should solve before they become failures. */
  readonly warnings: readonly string[];
}

/** The notes of one part as text. Warnings are not included: they belong to the report of the whole warm. */
export const formatPartNotes = ({ skipped, rejected, rejectedExamples }: PartReport): string[] => [
  ...skipped,
  ...(rejected > 0 ? [`${rejected} rows left out, e.g. ${rejectedExamples[0] ?? 'without a reason'}`] : []),
];

const MAX_EXAMPLES = 5;

/**
 * Merges several reports on one part.
 * @param durationMs from the start of the first to the end of the last, which only the caller knows
 */
export function mergePartReports(
  part: WarmPart,
  reports: readonly PartReport[],
  durationMs: number,
): PartReport {
  const sum = (count: (report: PartReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  return {
    part,
    durationMs,
    rowsRead: sum(({ rowsRead }) => rowsRead),
    keys: sum(({ keys }) => keys),
    bytes: sum(({ bytes }) => bytes),
    renewed: sum(({ renewed }) => renewed),
    removed: sum(({ removed }) => removed),
    cached: sum(({ cached }) => cached),
    rejected: sum(({ rejected }) => rejected),
    rejectedExamples: reports.flatMap(({ rejectedExamples }) => rejectedExamples).slice(0, MAX_EXAMPLES),
    unreadableColumns: Math.max(0, ...reports.map(({ unreadableColumns }) => unreadableColumns)),
    skipped: reports.flatMap(({ skipped }) => skipped),
    warnings: [...new Set(reports.flatMap(({ warnings }) => warnings))],
  };
}
