import { expect, test } from 'vitest';
import { HASH_BUCKETS, profileSplits } from '../../../../domain/warming/profile-splits.ts';

test.each([
  [0, 100, 1],
  [1, 100, 1],
  [101, 100, 2],
  [1_000_000, 100_000, 10],
  [1_000_000, 1, HASH_BUCKETS],
])('%d profiles at %d a split are %d splits that cover every bucket once', (rows, rowsPerSplit, count) => {
  const splits = profileSplits(rows, rowsPerSplit);
  expect(splits).toHaveLength(count);
  expect(splits[0]?.from).toBe(0);
  expect(splits.at(-1)?.to).toBe(HASH_BUCKETS);
  splits.forEach(({ from, to }, index) => {
    expect(to).toBeGreaterThan(from);
    if (index > 0) expect(from).toBe(splits[index - 1]?.to);
  });
});
