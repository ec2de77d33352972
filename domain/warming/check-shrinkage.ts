/** A set that is being read anew: how many it held at the last warm, and how many were read now. */
export interface SizeChange {
  readonly what: string;
  readonly before: number;
  readonly now: number;
}

/** A set of fewer may well lose half of them. */
const SMALL = 20;

/**
 * Sets that lost more than a load plausibly takes away: rather a broken load, or a read cut short, than the truth.
 * @param maxPercent how much a set may lose from one warm to the next, 0 to 100
 */
export const findShrunken = (sets: readonly SizeChange[], maxPercent: number): SizeChange[] =>
  sets.filter(({ before, now }) => before >= SMALL && now < before * (1 - maxPercent / 100));

export const formatShrinkage = (sets: readonly SizeChange[], maxPercent: number): string =>
  `${sets.map(({ what, before, now }) => `${what} fell from ${before} to ${now}`).join('; ')}: more than ${maxPercent} % less than at the last warm, so what is cached stays. Check the last load; if the lakehouse is right, warm with --allow-shrink.`;
