import { trimInvisible } from '../values/text-ids.ts';

/** Decimal places of the units: English K, M, B; Vietnamese N (nghìn) and Tr (triệu); Chinese and Japanese 万 and 亿. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 0],
  ['K', 3],
  ['N', 3],
  ['万', 4],
  ['萬', 4],
  ['M', 6],
  ['TR', 6],
  ['亿', 8],
  ['億', 8],
  ['B', 9],
]);

/** Groups: whole part, its separator, the last separator of it; decimal separator, decimals; unit. */
const COUNT =
  /^([1-9]\d{0,2}([,.\u00a0\u2009\u202f])\d{3}(?:(\2)\d{3})*|\d+)(?:([.,])(\d+))?\s?(K|N|M|TR|B|[万萬亿億])?\+?$/i;

/** The longest count that people read is far shorter. */
const MAX_LENGTH = 64;
/** Digits of a multiplication's noise: "11300.000000000002" is 11300. */
const NOISE_BELOW = /^0{6}/;
const NOISE_ABOVE = /^9{6}\d/;

/**
 * Parses a count as people read it, in the spellings of docs/contract.md: "11.3K" → 11300, "1,234" → 1234, "1,2 Tr" → 1200000,
 * " 999 " → 999; null and "" → 0.
 * @returns null for any other text, and for text that could mean two numbers: that is an error in the event, not 0
 */
export function parseCount(raw: string | null | undefined): number | null {
  const text = trimInvisible(raw ?? '');
  if (text === '') return 0;
  const match = text.length > MAX_LENGTH ? null : COUNT.exec(text);
  if (match === null) return null;
  const [, whole = '', groupSeparator, moreGroups, decimalSeparator, decimals = '', unit = ''] = match;
  const places = UNITS.get(unit.toUpperCase());
  if (places === undefined) return null;
  if (groupSeparator === undefined) return shift(whole, decimals, places);
  if (groupSeparator === decimalSeparator) return null;
  const mayBeDecimal =
    (groupSeparator === ',' || groupSeparator === '.') &&
    moreGroups === undefined &&
    decimalSeparator === undefined;
  // "1.234" and "1,234K" could mean two numbers. "1,234" cannot: no program prints a decimal comma in a number without a unit.
  if (mayBeDecimal && !(groupSeparator === ',' && unit === '')) return null;
  return shift(whole.replaceAll(groupSeparator, ''), decimals, places);
}

/** Whether a text is a count with a minus before it. */
export function isNegativeCount(raw: string): boolean {
  const text = trimInvisible(raw);
  return /^[-\u2212]./.test(text) && parseCount(text.slice(1)) !== null;
}

/** A number that is whole, but for the noise of a multiplication: 11300.000000000002 is 11300. @returns null for others */
export function wholeCount(value: number): number | null {
  const whole = Math.round(value);
  // Adding 0 makes -0 a 0.
  return Math.abs(value - whole) < 1e-6 && Number.isSafeInteger(whole) ? whole + 0 : null;
}

/**
 * whole.decimals × 10^places, in digits: in floating point 11.3 × 1000 is 11300.000000000002.
 * @returns null when the result is not a whole number up to 2^53 - 1
 */
function shift(whole: string, decimals: string, places: number): number | null {
  const count = Number(whole + decimals.slice(0, places).padEnd(places, '0'));
  if (!Number.isSafeInteger(count)) return null;
  const rest = decimals.slice(places);
  if (/^0*$/.test(rest) || NOISE_BELOW.test(rest)) return count;
  return NOISE_ABOVE.test(rest) && Number.isSafeInteger(count + 1) ? count + 1 : null;
}
