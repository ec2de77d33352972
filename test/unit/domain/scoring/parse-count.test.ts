import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCount } from '../../../../domain/scoring/parse-count.ts';

describe('parsing a human-readable count', () => {
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
    ['', 0],
    ['  ', 0],
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
    '1,234K',
    'K',
    '1.5',
    '٣',
    '9007199254740993',
    '99999999B',
  ])('%j is not a count, and not 0 either', (raw) => {
    expect(parseCount(raw)).toBeNull();
  });

  test('parses every whole number, with and without thousands separators', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (count) => {
        expect(parseCount(String(count))).toBe(count);
        expect(parseCount(count.toLocaleString('en-US'))).toBe(count);
      }),
    );
  });

  test('returns a safe whole number ≥ 0 or null for any text', () => {
    fc.assert(
      fc.property(fc.string(), (raw) => {
        const count = parseCount(raw);
        expect(count === null || (Number.isSafeInteger(count) && count >= 0)).toBe(true);
      }),
    );
  });
});
