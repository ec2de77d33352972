import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupBy } from '../../../../domain/values/group-by.ts';

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
