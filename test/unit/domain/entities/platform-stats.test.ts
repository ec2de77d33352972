import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { platformStats } from '../../../../domain/entities/platform-stats.ts';
import { isPlatform } from '../../../../domain/values/text-ids.ts';

const NAMES_OF_OBJECTS = ['__proto__', 'constructor', 'valueof', 'hasOwnProperty', 'toString', 'prototype'];
const platform = fc.oneof(fc.constantFrom(...NAMES_OF_OBJECTS, 'tiktok'), fc.string({ minLength: 1 }));

test('a hash has the counts of its platforms and of no other name, and changes no other object', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  fc.assert(
    fc.property(fc.uniqueArray(platform), (names) => {
      const fields = names.flatMap((name) => [
        [`kols_${name}`, '7'],
        [`content_${name}`, '9'],
      ]);
      const { by_platform } = platformStats.fromHash(Object.fromEntries(fields) as Record<string, string>);
      expect(Object.entries(by_platform).sort()).toEqual(
        names
          .filter(isPlatform)
          .sort()
          .map((name) => [name, { kols: 7, content: 9 }]),
      );
    }),
  );
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
  expect(Object.keys(Object)).toEqual([]);
});

test('a platform with one of the two counts has 0 for the other', () => {
  expect(platformStats.fromHash({ kols_constructor: '3', content_x: '4' }).by_platform).toEqual({
    constructor: { kols: 3, content: 0 },
    x: { kols: 0, content: 4 },
  });
});
