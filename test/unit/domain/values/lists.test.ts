import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { groupBy, inChunks } from '../../../../domain/values/lists.ts';

describe('inChunks', () => {
  test.each([
    { items: [], size: 3, chunks: [] },
    { items: [1, 2], size: 3, chunks: [[1, 2]] },
    { items: [1, 2, 3], size: 3, chunks: [[1, 2, 3]] },
    { items: [1, 2, 3, 4, 5, 6, 7], size: 3, chunks: [[1, 2, 3], [4, 5, 6], [7]] },
    { items: [1, 2, 3], size: 1, chunks: [[1], [2], [3]] },
  ])('splits $items.length items into chunks of at most $size, in order', ({ items, size, chunks }) => {
    expect([...inChunks<number>(items, size)]).toEqual(chunks);
  });

  test('builds one chunk at a time, so a caller that stops early pays for no more', () => {
    const items = [1, 2, 3];
    const chunks = inChunks(items, 2);
    expect(chunks.next()).toEqual({ done: false, value: [1, 2] });
    items[2] = 4;
    expect(chunks.next()).toEqual({ done: false, value: [4] });
  });

  test.each([0, -1, 1.5, NaN, Infinity])('refuses a chunk size of %d, which would never end', (size) => {
    expect(() => [...inChunks([1], size)]).toThrow(RangeError);
  });
});

describe('groupBy', () => {
  test('groups and their items keep the order of the items', () => {
    const groups = groupBy([5, 2, 3, 4], (number) => (number % 2 === 0 ? 'even' : 'odd'));
    expect([...groups]).toEqual([
      ['odd', [5, 3]],
      ['even', [2, 4]],
    ]);
  });

  test('every item is in the group of its key, and in no other', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (items) => {
        const groups = groupBy(items, (item) => item % 3);
        for (const [key, group] of groups) expect(group).toEqual(items.filter((item) => item % 3 === key));
        expect([...groups.values()].flat()).toHaveLength(items.length);
      }),
    );
  });
});
