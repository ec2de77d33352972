import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isRefreshDue } from '../../../../domain/values/refresh-due.ts';

const chance = fc.double({ min: 0, max: 1 - 2 ** -53, noNaN: true });
const ms = fc.double({ min: 0.001, max: 1e7, noNaN: true });

describe('a read refreshes a value early', () => {
  test('always when it has expired', () => {
    fc.assert(fc.property(ms, chance, (cost, random) => isRefreshDue(0, cost, () => random)));
  });

  test('the more likely, the nearer the end and the longer a refresh takes', () => {
    fc.assert(
      fc.property(ms, ms, ms, ms, chance, (left, cost, later, more, random) => {
        const isDue = (leftMs: number, costMs: number) => isRefreshDue(leftMs, costMs, () => random);
        return !isDue(left + later, cost) || (isDue(left, cost) && isDue(left + later, cost + more));
      }),
    );
  });

  test('with a probability of e^-n when n durations of a refresh are left', () => {
    for (const costs of [0.5, 1, 2, 5]) {
      const chances = Array.from({ length: 10_000 }, (_, index) => (index + 0.5) / 10_000);
      const due = chances.filter((random) => isRefreshDue(costs * 300, 300, () => random)).length;
      expect(due / 10_000).toBeCloseTo(Math.exp(-costs), 3);
    }
  });

  test('never so early that no random number allows it, and then draws none', () => {
    const draw = () => expect.unreachable();
    expect(isRefreshDue(300 * 37, 300, draw)).toBe(false);
    expect(isRefreshDue(300 * 36, 300, () => 1 - 2 ** -53)).toBe(true);
  });
});
