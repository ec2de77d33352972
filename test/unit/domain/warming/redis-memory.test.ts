import { expect, test } from 'vitest';
import { memoryWarnings } from '../../../../domain/warming/redis-memory.ts';

const memory = { keys: 1, usedBytes: 79, maxBytes: 100, policy: 'allkeys-lru' };

test('warns from 80 % of maxmemory on, including the bytes that the warm is about to write', () => {
  expect(memoryWarnings(memory)).toEqual([]);
  expect(memoryWarnings(memory, 1)).toHaveLength(1);
  expect(memoryWarnings({ ...memory, usedBytes: 80 })).toHaveLength(1);
});

test('does not warn when Redis has no limit', () => {
  expect(memoryWarnings({ ...memory, maxBytes: 0 }, 1e12)).toEqual([]);
});
