import { describe, expect, test } from 'vitest';
import { inChunks } from '../../../../domain/values/chunks.ts';

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
