import { expect, test } from 'vitest';
import { shareQueries } from '../../../../domain/warming/warm-queries.ts';

test.each([
  [1, { concurrency: 2, parallelSplits: 1 }],
  [2, { concurrency: 2, parallelSplits: 1 }],
  [4, { concurrency: 4, parallelSplits: 3 }],
])('splits leave a query to the other parts, of %i queries', (limit, shares) => {
  expect(shareQueries(limit)).toEqual(shares);
});
