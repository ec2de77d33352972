import { expect, test } from 'vitest';
import { findShrunken } from '../../../../domain/warming/check-shrinkage.ts';

test.each([
  [100, 50, false],
  [100, 49, true],
  [20, 0, true],
  [19, 0, false],
  [0, 0, false],
])('a set that falls from %d to %d is implausible with a limit of 50 %%: %s', (before, now, expected) => {
  expect(findShrunken([{ what: 'a set', before, now }], 50)).toHaveLength(expected ? 1 : 0);
});
