import { CancellationScope, isCancellation } from '@temporalio/workflow';

/**
 * Works on items in order, at most `limit` at the same time. The first failure cancels the others, and is thrown when all
 * have ended.
 * @returns the results in the order of the items
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const scope = new CancellationScope();
  const remaining = items.entries();
  const lane = async () => {
    try {
      for (const [index, item] of remaining) results[index] = await work(item, index);
    } catch (error) {
      scope.cancel();
      throw error;
    }
  };
  const lanes = await scope.run(() =>
    Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, lane)),
  );
  const failures = lanes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  // a lane that was cancelled because of a failure has only a cancellation as its error
  if (failures.length > 0) throw failures.find((failure) => !isCancellation(failure)) ?? failures[0];
  return results;
}
