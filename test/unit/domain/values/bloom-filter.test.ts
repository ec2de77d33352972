import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addToFilter, createBloomFilter, mayContain } from '../../../../domain/values/bloom-filter.ts';

/** A filter of these ids. */
function filterOf(ids: readonly string[]) {
  const filter = createBloomFilter(ids.length);
  for (const id of ids) addToFilter(filter, id);
  return filter;
}

describe('a Bloom filter', () => {
  test('contains every id that was added, also when it has room for fewer', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.nat({ max: 20 }), (ids, room) => {
        const filter = createBloomFilter(Math.min(ids.length, room));
        for (const id of ids) addToFilter(filter, id);
        return ids.every((id) => mayContain(filter, id));
      }),
    );
  });

  test('of no ids contains none', () => {
    fc.assert(fc.property(fc.string(), (id) => !mayContain(filterOf([]), id)));
  });

  // Ids of one table are alike: numbers in order, or names with one beginning.
  test.each([
    ['numbers', (index: number) => String(7301234567890000000n + BigInt(index))],
    ['small numbers', String],
    ['names with a number', (index: number) => `kol-${index}`],
    ['names in many alphabets', (index: number) => `ñ龍${index.toString(36)}🙂`],
  ])('of %s contains fewer than 1 in 10,000 ids that were not added', (_, idOf) => {
    const ids = Array.from({ length: 110_000 }, (_, index) => idOf(index));
    const filter = filterOf(ids.slice(0, 10_000));
    const found = ids.slice(10_000).filter((id) => mayContain(filter, id)).length;
    expect(found).toBeLessThan(10);
  });

  test.each([100, 418, 1000])('of %i ids is as selective as a large one', (size) => {
    const filter = filterOf(Array.from({ length: size }, (_, index) => `kol-${index}`));
    const others = Array.from({ length: 100_000 }, (_, index) => `unknown-${index}`);
    expect(others.filter((id) => mayContain(filter, id)).length).toBeLessThan(10);
  });

  test('of 1,000,000 ids takes 3 MB', () => {
    expect(createBloomFilter(1_000_000)).toHaveLength(3_000_000);
  });
});
