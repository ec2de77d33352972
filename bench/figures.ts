/** One measured figure, and what it is to be compared with. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  readonly against: string;
  readonly ratio?: number;
}

/** @param percent 0–100 @returns the rounded value at that share of the sorted values */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(
    sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN,
  );
}

/** Prints the figures as a Markdown table, under the date and the machine. */
export function printFigures(figures: readonly Figure[], machine: string): void {
  console.log(`\n${new Date().toISOString().slice(0, 10)}, ${machine}\n`);
  console.log('| figure | measured | against | ratio |\n|---|---|---|---|');
  for (const { what, value, against, ratio } of figures)
    console.log(`| ${what} | ${value} | ${against} | ${ratio === undefined ? '' : ratio.toFixed(2)} |`);
}
