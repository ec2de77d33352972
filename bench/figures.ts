/** One measured figure. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  /** The goal or baseline that the value is compared with. */
  readonly against: string;
  /** Value divided by goal or baseline. */
  readonly ratio?: number;
}

/** @param percent 0–100 @returns the value at that percentile, with one decimal; NaN without values */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100));
  return Math.round((sorted[at] ?? Number.NaN) * 10) / 10;
}

/** @returns the value in the middle, or the mean of the two in the middle; NaN without values */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return (low + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** @returns a rate per second, rounded */
export const perSecond = (count: number, ms: number): number => Math.round((count / ms) * 1000);

/** Prints the figures as a Markdown table, after the date and the machine. */
export function printFigures(figures: readonly Figure[], machine: string): void {
  console.log(`\n${new Date().toISOString().slice(0, 10)}, ${machine}\n`);
  console.log('| figure | measured | against | ratio |\n|---|---|---|---|');
  for (const { what, value, against, ratio } of figures)
    console.log(`| ${what} | ${value} | ${against} | ${ratio === undefined ? '' : ratio.toFixed(2)} |`);
}
