import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupByScope } from '../../../../clients/lakehouse/group-by-scope.ts';

test('the reason for a name that is no platform is short, however long the name is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(100_000), (name, length) => {
      const reasons: string[] = [];
      const onRejected = (reason: string) => reasons.push(reason);
      const rows = [[`!${name.padEnd(length, '"')}`], ['tiktok'], [null]];
      expect([...groupByScope(rows, ([scope]) => scope, { onRejected }).keys()]).toEqual(['tiktok']);
      expect(reasons).toHaveLength(2);
      expect(Math.max(...reasons.map((reason) => reason.length))).toBeLessThan(550);
    }),
  );
});
