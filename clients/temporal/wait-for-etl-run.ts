import { setTimeout } from 'node:timers/promises';
import { isFinished, type EtlRunStatus } from '../../contract/etl-loads.ts';

/** Each poll is a query, which the worker answers from memory. */
const POLL_MS = 1000;

/**
 * Reads the status of a pipeline run until all its loads are done or failed.
 * @param read null when the run is not known; that ends the wait
 * @param seconds the longest wait
 * @param signal ends the wait early
 * @returns the last status that was read, which is not finished when the time is over
 * @throws what `read` throws
 */
export async function waitForEtlRun(
  read: () => Promise<EtlRunStatus | null>,
  { seconds, signal }: { readonly seconds: number; readonly signal?: AbortSignal },
): Promise<EtlRunStatus | null> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const status = await read();
    const leftMs = deadline - performance.now();
    if (status === null || isFinished(status) || leftMs <= 0 || signal?.aborted) return status;
    // An abort ends the pause, and then the wait.
    await setTimeout(Math.min(POLL_MS, leftMs), undefined, signal ? { signal } : {}).catch(() => {});
  }
}
