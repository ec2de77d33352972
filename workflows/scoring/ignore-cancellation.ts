import { CancellationScope, isCancellation } from '@temporalio/workflow';

/** The result, or undefined when the scope of the work was cancelled. Cancellation of the workflow itself is thrown. */
export async function ignoreCancellation<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!isCancellation(error) || CancellationScope.current().consideredCancelled) throw error;
    return undefined;
  }
}
