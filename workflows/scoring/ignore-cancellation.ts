import { CancellationScope, isCancellation } from '@temporalio/workflow';

/** Nothing where an operator's steering ended the waiting. */
export async function ignoreCancellation<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    // The workflow's own cancellation is not ours to swallow.
    if (!isCancellation(error) || CancellationScope.current().consideredCancelled) throw error;
    return undefined;
  }
}
