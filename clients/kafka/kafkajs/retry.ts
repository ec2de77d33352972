import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_DELAY_MS = 5;
const MAX_DELAY_MS = 200;
/** An election of a leader or coordinator takes a second. Longer outages are left to the caller. */
const RETRY_FOR_MS = 10_000;

/**
 * Repeats requests that change nothing, while they fail with errors that kafkajs calls retriable: a coordinator or leader moved, a
 * commit is not complete, a connection broke.
 * @param work receives how often it failed before
 * @throws the last error, after 10 s
 */
export async function withRetry<T>(work: (failures: number) => Promise<T>): Promise<T> {
  const deadline = performance.now() + RETRY_FOR_MS;
  for (let failures = 0; ; failures += 1) {
    try {
      return await work(failures);
    } catch (error) {
      if (!isRetriable(error) || performance.now() > deadline) throw error;
    }
    await sleep(Math.min(FIRST_DELAY_MS * 2 ** failures, MAX_DELAY_MS));
  }
}

const isRetriable = (error: unknown): boolean =>
  error instanceof Error && 'retriable' in error && error.retriable === true;
