import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRanges } from '../../../../domain/scoring/plan-ranges.ts';

const progress = (partition: number, committed: number, high: number, low = 0) => ({
  partition,
  committed,
  low,
  high,
});

describe('planning a micro-batch', () => {
  test('takes all offsets when they fit into the limit', () => {
    expect(planRanges([progress(0, 5, 10), progress(1, 0, 3)], 1000)).toEqual({
      ranges: [
        { partition: 0, from: 5, to: 10 },
        { partition: 1, from: 0, to: 3 },
      ],
      lag: 8,
      expired: 0,
      truncated: [],
    });
  });

  test('shares the limit equally; the unused share of a short partition goes to the others', () => {
    const { ranges, lag } = planRanges(
      [progress(0, 0, 10), progress(1, 0, 5000), progress(2, 0, 5000)],
      1000,
    );
    expect(ranges).toEqual([
      { partition: 0, from: 0, to: 10 },
      { partition: 1, from: 0, to: 495 },
      { partition: 2, from: 0, to: 495 },
    ]);
    expect(lag).toBe(10_010);
  });

  test('continues after offsets that retention deleted, and counts them', () => {
    expect(planRanges([progress(0, 100, 300, 250)], 1000)).toMatchObject({
      ranges: [{ partition: 0, from: 250, to: 300 }],
      expired: 150,
    });
  });

  test('skips and reports a partition whose log ends before the committed offset', () => {
    expect(planRanges([progress(0, 100, 40), progress(1, 0, 1)], 1000)).toMatchObject({
      ranges: [{ partition: 1, from: 0, to: 1 }],
      truncated: [0],
    });
  });

  test('takes exactly the limit or the lag, with at most one range per partition', () => {
    const anyProgress = fc
      .record({ committed: fc.nat(1000), more: fc.nat(1000), low: fc.nat(1500) })
      .map(({ committed, more, low }) => ({ committed, low, high: Math.max(low, committed + more) }));
    fc.assert(
      fc.property(
        fc.array(anyProgress, { maxLength: 20 }),
        fc.integer({ min: 1, max: 1000 }),
        (list, limit) => {
          const partitions = list.map((one, partition) => ({ ...one, partition }));
          const { ranges, lag } = planRanges(partitions, limit);
          const taken = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
          expect(taken).toBe(Math.min(limit, lag));
          expect(new Set(ranges.map(({ partition }) => partition)).size).toBe(ranges.length);
          for (const { partition, from, to } of ranges) {
            const planned = partitions[partition];
            expect(from).toBe(Math.max(planned?.committed ?? 0, planned?.low ?? 0));
            expect(to).toBeGreaterThan(from);
            expect(to).toBeLessThanOrEqual(planned?.high ?? 0);
          }
        },
      ),
    );
  });
});
