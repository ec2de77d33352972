import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRanges } from '../../../../domain/scoring/plan-ranges.ts';

const at = (partition: number, committed: number, high: number, low = 0) => ({
  partition,
  committed,
  low,
  high,
});

describe('planning a micro-batch', () => {
  test('takes all there is when it fits', () => {
    expect(planRanges([at(0, 5, 10), at(1, 0, 3)], 1000)).toEqual({
      ranges: [
        { partition: 0, from: 5, to: 10 },
        { partition: 1, from: 0, to: 3 },
      ],
      lag: 8,
      expired: 0,
      truncated: [],
    });
  });

  test('shares the limit out, and gives what a short partition leaves to the others', () => {
    const { ranges, lag } = planRanges([at(0, 0, 10), at(1, 0, 5000), at(2, 0, 5000)], 1000);
    expect(ranges).toEqual([
      { partition: 0, from: 0, to: 10 },
      { partition: 1, from: 0, to: 495 },
      { partition: 2, from: 0, to: 495 },
    ]);
    expect(lag).toBe(10_010);
  });

  test('goes on where retention removed offsets, and says how many', () => {
    expect(planRanges([at(0, 100, 300, 250)], 1000)).toMatchObject({
      ranges: [{ partition: 0, from: 250, to: 300 }],
      expired: 150,
    });
  });

  test('leaves a partition alone whose log ends before the committed offset, and names it', () => {
    expect(planRanges([at(0, 100, 40), at(1, 0, 1)], 1000)).toMatchObject({
      ranges: [{ partition: 1, from: 0, to: 1 }],
      truncated: [0],
    });
  });

  test('never takes more than the limit, never overlaps, and is never empty while there is data', () => {
    const position = fc
      .record({ committed: fc.nat(1000), more: fc.nat(1000), low: fc.nat(1500) })
      .map(({ committed, more, low }) => ({ committed, low, high: Math.max(low, committed + more) }));
    fc.assert(
      fc.property(fc.array(position, { maxLength: 20 }), fc.integer({ min: 1, max: 1000 }), (list, limit) => {
        const positions = list.map((one, partition) => ({ ...one, partition }));
        const { ranges, lag } = planRanges(positions, limit);
        const taken = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
        expect(taken).toBe(Math.min(limit, lag));
        expect(new Set(ranges.map(({ partition }) => partition)).size).toBe(ranges.length);
        for (const { partition, from, to } of ranges) {
          const own = positions[partition];
          expect(from).toBe(Math.max(own?.committed ?? 0, own?.low ?? 0));
          expect(to).toBeGreaterThan(from);
          expect(to).toBeLessThanOrEqual(own?.high ?? 0);
        }
      }),
    );
  });
});
