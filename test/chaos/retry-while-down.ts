import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats work that fails while an engine is down. @throws the last error after so many seconds */
export async function retryWhileDown<T>(work: () => Promise<T>, seconds = 120): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(500);
    }
  }
}
