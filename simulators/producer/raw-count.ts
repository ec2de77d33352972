import { chance, type Random } from './random.ts';

const UNITS = [
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'K'],
] as const;

/** A count as web pages show it: "999", "1,234", "11.3K", "1.3M". 3 % have spaces around them. */
export function rawCount(random: Random, value: number): string {
  const text = value < 10_000 ? value.toLocaleString('en-US') : short(value);
  return chance(random, 0.03) ? ` ${text} ` : text;
}

function short(value: number): string {
  for (const [size, unit] of UNITS)
    if (value >= size) {
      // Truncated, not rounded: 999,950 is 999.9K, never 1000.0K.
      const tenths = Math.floor(value / (size / 10));
      return `${tenths % 10 === 0 ? tenths / 10 : (tenths / 10).toFixed(1)}${unit}`;
    }
  return String(value);
}
