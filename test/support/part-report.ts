import type { PartReport } from '../../domain/warming/part-report.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';

/** The report of an activity that replaces the warm of a part in a test. */
export const reportOf = (part: WarmPart, keys = 1): PartReport => ({
  part,
  rowsRead: 1,
  keys,
  bytes: 1,
  durationMs: 1,
  rejected: 0,
  rejectedExamples: [],
  renewed: 0,
  removed: 0,
  cached: 0,
  unreadableColumns: 0,
  skipped: [],
  warnings: [],
});
