import { expect, test } from 'vitest';
import { createRecentKeys } from '../../../../domain/values/recent-keys.ts';

test('a key is new once within its TTL, and new again after it', () => {
  const recent = createRecentKeys([], { ttlMs: 100, maxKeys: 10 });
  expect(recent.add('a', 0)).toBe(true);
  expect(recent.add('a', 99)).toBe(false);
  expect(recent.add('a', 100)).toBe(true);
});

test('forgets the oldest keys when there are too many', () => {
  const recent = createRecentKeys([], { ttlMs: 100, maxKeys: 2 });
  for (const key of ['a', 'b', 'c']) recent.add(key, 0);
  expect(recent.entries()).toEqual([
    ['b', 0],
    ['c', 0],
  ]);
  expect(recent.add('a', 1)).toBe(true);
});

test('a forgotten key is new, and a second instance continues with the keys of the first', () => {
  const first = createRecentKeys([['a', 0]], { ttlMs: 100, maxKeys: 10 });
  first.add('b', 1);
  first.forget('a');
  const second = createRecentKeys(first.entries(), { ttlMs: 100, maxKeys: 10 });
  expect(second.add('b', 2)).toBe(false);
  expect(second.add('a', 2)).toBe(true);
});
