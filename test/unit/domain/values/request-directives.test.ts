import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { acceptsCached, parseRequestDirectives } from '../../../../domain/values/request-directives.ts';

const NONE = {
  maxAge: undefined,
  maxStale: undefined,
  minFresh: undefined,
  noCache: false,
  onlyIfCached: false,
};

describe('the Cache-Control header of a request', () => {
  test.each([
    ['max-age=60', { maxAge: 60 }],
    ['MAX-AGE=60', { maxAge: 60 }],
    ['max-age="60"', { maxAge: 60 }],
    [' max-age = 60 , no-cache', { maxAge: 60, noCache: true }],
    ['max-age=10, max-age=20', { maxAge: 10 }],
    ['max-age=soon, max-age=20', { maxAge: 20 }],
    ['max-age=99999999999999999999', { maxAge: 2 ** 31 }],
    ['min-fresh=5', { minFresh: 5 }],
    ['max-age=0, max-stale', { maxAge: 0, maxStale: Infinity }],
    ['max-age=0, max-stale=30', { maxAge: 0, maxStale: 30 }],
    ['only-if-cached', { onlyIfCached: true }],
    ['ext="a, no-cache, b", max-age=1', { maxAge: 1 }],
    ['ext="a \\", no-cache", max-age=1', { maxAge: 1 }],
    [',, ;garbage= ,max-age=1', { maxAge: 1 }],
  ])('%s', (header, expected) => {
    expect(parseRequestDirectives(header)).toEqual({ ...NONE, ...expected });
  });

  test.each([
    '',
    'no-store',
    'no-transform',
    'max-stale=60',
    'max-age',
    'max-age=-1',
    'max-age=1.5',
    'max-age=1e3',
    'max-age="60',
    'min-fresh=a',
    'ext="no-cache',
    'no-cachex, x-no-cache',
  ])('%s demands nothing', (header) => {
    expect(parseRequestDirectives(header)).toBeUndefined();
  });

  test('is read from any text, without an error and in time that grows with its length only', () => {
    const piece = fc.constantFrom(
      'max-age',
      '=',
      '"',
      '\\',
      ',',
      ' ',
      '5',
      'no-cache',
      ';',
      '\t',
      'é',
      '%00',
    );
    const headers = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
    );
    fc.assert(fc.property(headers, (header) => void parseRequestDirectives(header)));
    for (const unit of ['="', '",', ' ', '= ', '\\"', '"\\'])
      parseRequestDirectives(`max-age${unit.repeat(100_000)}x`);
  });

  test('has the same meaning for any separators between its directives', () => {
    const age = fc.nat();
    const unknown = fc.constantFrom('x', 'x=1', 'x="a,b"', '', 'max-age=x');
    fc.assert(
      fc.property(age, age, fc.array(unknown), (maxAge, minFresh, others) => {
        const header = [`max-age=${maxAge}`, ...others, `min-fresh=${minFresh}`, ...others].join(', ');
        expect(parseRequestDirectives(header)).toMatchObject({ maxAge, minFresh });
      }),
    );
  });
});

describe('a cached answer is accepted', () => {
  test('while its age is at most max-age, and max-stale more', () => {
    const seconds = fc.nat({ max: 10_000 });
    fc.assert(
      fc.property(seconds, seconds, seconds, (maxAge, maxStale, age) => {
        expect(acceptsCached({ ...NONE, maxAge }, age, 0)).toBe(age <= maxAge);
        expect(acceptsCached({ ...NONE, maxAge, maxStale }, age, 0)).toBe(age <= maxAge + maxStale);
        expect(acceptsCached({ ...NONE, maxAge, maxStale: Infinity }, age, 0)).toBe(true);
      }),
    );
  });

  test('while it stays cached for min-fresh', () => {
    expect(acceptsCached({ ...NONE, minFresh: 10 }, 0, 10)).toBe(true);
    expect(acceptsCached({ ...NONE, minFresh: 10 }, 0, 9)).toBe(false);
  });

  test('never with no-cache', () => {
    expect(acceptsCached({ ...NONE, noCache: true }, 0, 3600)).toBe(false);
  });
});
