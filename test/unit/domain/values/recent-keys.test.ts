import { expect, test } from 'vitest';
import { createRecentKeys } from '../../../../domain/values/recent-keys.ts';

test('a key is new once within the time, and again after it', () => {
  const remembered = createRecentKeys([], { forMs: 100, most: 10 });
  expect(remembered.add('a', 0)).toBe(true);
  expect(remembered.add('a', 99)).toBe(false);
  expect(remembered.add('a', 100)).toBe(true);
});

test('the oldest of too many are forgotten', () => {
  const remembered = createRecentKeys([], { forMs: 100, most: 2 });
  for (const key of ['a', 'b', 'c']) remembered.add(key, 0);
  expect(remembered.entries()).toEqual([
    ['b', 0],
    ['c', 0],
  ]);
  expect(remembered.add('a', 1)).toBe(true);
});

test('a key that is forgotten is new, and what is remembered goes on elsewhere', () => {
  const first = createRecentKeys([['a', 0]], { forMs: 100, most: 10 });
  first.add('b', 1);
  first.forget('a');
  const second = createRecentKeys(first.entries(), { forMs: 100, most: 10 });
  expect(second.add('b', 2)).toBe(false);
  expect(second.add('a', 2)).toBe(true);
});
