import { Problem } from './problem.ts';

const RETRY_AFTER_SECONDS = 5;

/**
 * Runs what only Redis can answer.
 * @throws Problem when Redis does not answer; its cause has the reason, for the log
 */
export async function reachRedis<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = new Problem('cache-unavailable', 'Redis does not answer; try again soon', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
    problem.cause = error;
    throw problem;
  }
}
