import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDeeperThan, numberText } from '../../../../domain/scoring/parse-event.ts';

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

describe('the depth of JSON text', () => {
  test('is that of its value; brackets in strings do not count', () => {
    const anyJson = fc.jsonValue({ maxDepth: 8, stringUnit: fc.constantFrom(...'[]{}"\\,: a') });
    fc.assert(
      fc.property(anyJson, fc.nat({ max: 8 }), fc.constantFrom(undefined, 2), (value, limit, indent) => {
        expect(isDeeperThan(JSON.stringify(value, null, indent), limit)).toBe(depthOf(value) > limit);
      }),
    );
  });

  test('is found in any text, however long', () => {
    for (const text of [
      '['.repeat(1e6),
      '{"a":'.repeat(1e6),
      ']['.repeat(1e6),
      '"['.repeat(1e6),
      '\\'.repeat(1e6),
    ])
      expect(typeof isDeeperThan(text, 64)).toBe('boolean');
    expect(isDeeperThan(`{"bio":${'['.repeat(6000)}${']'.repeat(6000)}}`, 64)).toBe(true);
    expect(isDeeperThan(JSON.stringify({ bio: '['.repeat(6000) }), 64)).toBe(false);
  });
});

describe('the text of a number in a JSON object', () => {
  test('is found digit for digit, whatever stands around it', () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 40n }).map(String);
    const others = fc.dictionary(
      fc.string().filter((name) => name !== 'video_id'),
      fc.jsonValue({ maxDepth: 3, stringUnit: fc.constantFrom(...'"\\{}[]:, 1') }),
    );
    fc.assert(
      fc.property(
        digits,
        others,
        others,
        fc.constantFrom('', ' ', '\n\t'),
        (number, before, after, blank) => {
          const members = (object: object) => JSON.stringify(object).slice(1, -1);
          const nested = JSON.stringify({
            nested: { video_id: 1 },
            list: [{ video_id: 2 }],
            text: '"video_id":3',
          });
          const member = `${blank}"video_id"${blank}:${blank}${number}${blank}`;
          const json = `{${[members(before), nested.slice(1, -1), member, members(after)].filter(Boolean).join()}}`;
          expect([json, typeof JSON.parse(json)]).toEqual([json, 'object']);
          expect([json, numberText(json, 'video_id')]).toEqual([json, number]);
        },
      ),
    );
  });

  test.each([
    ['{"id":1e21}', '1e21'],
    ['{"id":-0}', '-0'],
    ['{"id":12.50}', '12.50'],
    ['{"id":1,"id":2}', '2'],
    ['{"\\u0069d":7}', '7'],
    ['{"id":"7"}', undefined],
    ['{"a":"id","b":7}', undefined],
    ['{"a":{"id":7}}', undefined],
    ['{}', undefined],
  ])('in %s is %j', (json, number) => {
    expect(numberText(json, 'id')).toBe(number);
  });
});
