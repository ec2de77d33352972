import type { PartReport, WarmPart } from '../../domain/warming/warm-parts.ts';

/** What an activity that stands in for the warm of a part reports. */
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
  skipped: [],
  warnings: [],
});
