import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isNegativeCount, parseCount, wholeCount } from '../../../../domain/scoring/parse-count.ts';

/** No-break space and its narrow and thin forms, which pages put between groups of digits. */
const NO_BREAK_SPACES = ['\u00a0', '\u202f', '\u2009'];
const UNITS: Readonly<Record<string, number>> = {
  ...{ K: 1e3, k: 1e3, M: 1e6, m: 1e6, B: 1e9, b: 1e9 },
  ...{ N: 1e3, n: 1e3, Tr: 1e6, tr: 1e6, TR: 1e6 },
  ...{ 万: 1e4, 萬: 1e4, 亿: 1e8, 億: 1e8 },
};

const grouped = (count: number, separator: string) =>
  String(count).replace(/\B(?=(?:\d{3})+$)/g, () => separator);

describe('parsing a count as people read it', () => {
  test.each([
    ['11.3K', 11_300],
    ['1.3M', 1_300_000],
    ['2.1B', 2_100_000_000],
    ['1,234', 1234],
    ['1,234,567', 1_234_567],
    [' 999 ', 999],
    ['999', 999],
    ['0', 0],
    ['12k', 12_000],
    ['1,2 Tr', 1_200_000],
    ['12,3 N', 12_300],
    ['1.2万', 12_000],
    ['3亿', 300_000_000],
    ['1\u00a0234\u00a0567', 1_234_567],
    ['12\u202f345', 12_345],
    ['1.234.567', 1_234_567],
    ['1,234.5K', 1_234_500],
    ['10K+', 10_000],
    ['10,000+', 10_000],
    ['1234.0', 1234],
    ['1234,0', 1234],
    ['11300.000000000002', 11_300],
    ['11299.999999999998', 11_300],
    ['0.125M', 125_000],
    ['\u200e1,234\u200f', 1234],
    ['', 0],
    ['  ', 0],
    ['\u200b', 0],
    [null, 0],
    [undefined, 0],
  ])('%j is %d', (raw, count) => {
    expect(parseCount(raw)).toBe(count);
  });

  test.each([
    'abc',
    '-5',
    '1.2.3K',
    'NaN',
    'Infinity',
    '1e5',
    '0x10',
    '12,34',
    'K',
    '+',
    '1.5',
    '1.2345K',
    '1234.',
    '.5K',
    '1 234',
    '1,2,3',
    '1,234.567',
    '1.234.0',
    '12,34,567',
    '1\u00a0234.567',
    '٣',
    '9007199254740993',
    '99999999B',
    '1.2 K M',
    '5\u212a', // the Kelvin sign
  ])('%j is not a count, and not 0 either', (raw) => {
    expect(parseCount(raw)).toBeNull();
  });

  test.each(['1.234', '1,234K', '1.234K', '1,234 Tr', '1.234万', '999.999M', '1.234+'])(
    '%j could mean two numbers, so it is refused',
    (raw) => {
      expect(parseCount(raw)).toBeNull();
    },
  );

  test('every whole number, in every way to write it out, is that number', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.constantFrom(...NO_BREAK_SPACES), (count, space) => {
        const texts = [String(count), grouped(count, ','), grouped(count, space), `${count}+`, `${count}.0`];
        if (count >= 1e6) texts.push(grouped(count, '.'));
        expect(texts.map((text) => [text, parseCount(text)])).toEqual(texts.map((text) => [text, count]));
      }),
    );
  });

  test('every short form with one or two decimals is exactly its number', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 99_999 }),
        fc.constantFrom(1, 2),
        fc.constantFrom('.', ','),
        fc.constantFrom('', ' ', '\u00a0', '\u202f'),
        fc.constantFrom(...Object.keys(UNITS)),
        fc.constantFrom('', '+'),
        (digits, places, point, space, unit, plus) => {
          const text = String(digits).padStart(places + 1, '0');
          const short = `${text.slice(0, -places)}${point}${text.slice(-places)}${space}${unit}${plus}`;
          expect([short, parseCount(short)]).toEqual([short, (digits * (UNITS[unit] ?? 0)) / 10 ** places]);
        },
      ),
    );
  });

  test('one separator before three digits is refused, unless it is a comma and there is no unit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 999 }),
        fc.nat({ max: 999 }),
        fc.constantFrom('', ...Object.keys(UNITS)),
        (whole, three, unit) => {
          const digits = String(three).padStart(3, '0');
          expect(parseCount(`${whole}.${digits}${unit}`)).toBeNull();
          expect(parseCount(`${whole},${digits}${unit}`)).toBe(unit === '' ? whole * 1000 + three : null);
        },
      ),
    );
  });

  test('any text is a safe whole number ≥ 0 or is refused', () => {
    const characters = fc.constantFrom(...'0123456789.,KkMBNTr万亿+- \u00a0\u200b');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: characters })), (raw) => {
        const count = parseCount(raw);
        expect(count === null || (Number.isSafeInteger(count) && count >= 0)).toBe(true);
      }),
    );
  });

  test('a very long text is refused at once', () => {
    for (const raw of ['9'.repeat(1e6), `1${' '.repeat(1e6)}K`, '1,234'.repeat(2e5), `${' '.repeat(1e6)}x`])
      expect(parseCount(raw)).toBeNull();
  });
});

describe('a number as a count', () => {
  test('is that number, also with the noise of a multiplication', () => {
    fc.assert(
      fc.property(fc.nat({ max: 80_000 }), fc.constantFrom(100, 1000, 1e4, 1e6), (tenths, unit) => {
        expect(wholeCount((tenths / 10) * unit)).toBe((tenths * unit) / 10);
      }),
    );
  });

  test('is refused when it is not whole or not exact', () => {
    for (const value of [1.5, 0.001, 11_300.00001, 2 ** 53, 1e300, NaN, Infinity])
      expect(wholeCount(value)).toBeNull();
  });

  test('is never -0', () => {
    expect(wholeCount(-0)).toBe(0);
    expect(wholeCount(-1e-9)).toBe(0);
  });
});

test('a minus before a count makes it negative; before anything else it does not', () => {
  for (const raw of ['-5', '-1.2K', ' \u22121,234 ', '-1.0']) expect(isNegativeCount(raw)).toBe(true);
  for (const raw of ['-', '-abc', '5', '', '--5', '-1.234']) expect(isNegativeCount(raw)).toBe(false);
});
