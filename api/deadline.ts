import { Problem } from './problem.ts';

const RETRY_AFTER_SECONDS = 5;

/**
 * Waits for the work of a request, at most until its deadline. Work that is late goes on, because other requests may wait for the
 * same value and the cache keeps it; its answer is dropped.
 * @throws Problem at the deadline
 */
export async function withDeadline(seconds: number, work: () => void | Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(deadlineExceeded(seconds)), seconds * 1000);
  });
  try {
    await Promise.race([work(), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

const deadlineExceeded = (seconds: number): Problem =>
  new Problem('deadline-exceeded', `There is no answer within ${seconds} s; try again soon`, {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
