import type { PartMetadata } from '../entities/part-metadata.ts';

/** The size of a set or table at the last warm and now. */
export interface SizeChange {
  readonly what: string;
  readonly before: number;
  readonly now: number;
}

/** Smaller sets are not checked: they can normally lose half of their members. */
const MIN_CHECKED_SIZE = 20;

/**
 * Finds the sets that shrank more than is plausible. Likely causes are a broken load or an incomplete read.
 * @param maxPercent how much a set may lose from one warm to the next, 0 to 100
 */
export const findShrunken = (sets: readonly SizeChange[], maxPercent: number): SizeChange[] =>
  sets.filter(({ before, now }) => before >= MIN_CHECKED_SIZE && now < before * (1 - maxPercent / 100));

/** Row counts of a part's tables at the last warm and now. */
export const tableSizeChanges = (
  last: Pick<PartMetadata, 'tableRows'> | null,
  tableRows: Readonly<Record<string, number>>,
): SizeChange[] =>
  Object.entries(tableRows).map(([what, now]) => ({ what, before: last?.tableRows[what] ?? 0, now }));

export const formatShrinkage = (sets: readonly SizeChange[], maxPercent: number): string =>
  `${sets.map(({ what, before, now }) => `${what} fell from ${before} to ${now}`).join('; ')}: more than ${maxPercent} % less than at the last warm, so the cache keeps what it has. Check the last load; if the lakehouse is right, warm with --allow-shrink.`;
