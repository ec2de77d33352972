import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isId, normalizeHandle, normalizeId } from '../../../../domain/values/text-ids.ts';

/** White space, zero-width characters and bidi marks. */
const INVISIBLE = [
  ...[
    ' ',
    '\t',
    '\n',
    '\u00a0',
    '\u3000',
    '\u200b',
    '\u200c',
    '\u200d',
    '\u200e',
    '\u200f',
    '\u202a',
    '\u202e',
  ],
  ...['\u2060', '\u2066', '\u2069', '\ufeff', '\u061c', '\u00ad'],
];
const invisible = fc.string({ unit: fc.constantFrom(...INVISIBLE), maxLength: 5 });

describe('spellings of an id', () => {
  test('invisible characters around it make no difference', () => {
    fc.assert(
      fc.property(invisible, invisible, (before, after) => {
        expect(normalizeId(`${before}ana${after}`)).toBe('ana');
        expect(normalizeHandle(`${before}@${after}ana${after}`)).toBe('ana');
      }),
    );
  });

  test('composed and decomposed characters make no difference', () => {
    const composed = 'trần_thị';
    const decomposed = composed.normalize('NFD');
    expect(decomposed).not.toBe(composed);
    expect(normalizeId(decomposed)).toBe(composed);
    expect(normalizeHandle(`@${decomposed}`)).toBe(composed);
  });

  test('"@" is part of an id, but is removed before a username', () => {
    expect(normalizeId('@ana')).toBe('@ana');
    expect(normalizeHandle('@ana')).toBe('ana');
    expect(normalizeHandle('ana@b')).toBe('ana@b');
  });

  test.each([
    ['Ana', 'Ana'],
    ['a na', 'a na'],
    ['a\u200bna', 'a\u200bna'],
    ['a\nb', 'a\nb'],
    ['\u0000ana', '\u0000ana'],
    ['@', ''],
    [' @ ', ''],
    ['\u200b', ''],
  ])('%j is %j: case and characters inside count', (text, id) => {
    expect(normalizeHandle(text)).toBe(id);
  });

  test('a normalized id does not change when it is normalized again', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          fc.tuple(invisible, text, invisible).map((parts) => parts.join('@')),
        ),
        (any) => {
          for (const normalize of [normalizeId, normalizeHandle])
            expect(normalize(normalize(any))).toBe(normalize(any));
        },
      ),
    );
  });

  test('a very long text is refused quickly, and is not an id', () => {
    const long = [
      ' '.repeat(1e6) + 'x',
      `x${' '.repeat(1e6)}x`,
      'a' + '\u0301\u0323'.repeat(5e5),
      '@'.repeat(1e6),
    ];
    expect(long.map((text) => isId(normalizeHandle(text)))).toEqual([true, false, false, false]);
  });
});
