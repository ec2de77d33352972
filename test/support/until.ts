import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until a condition is true.
 * @param condition in words, for the error
 * @throws an Error with the condition when it is not true within so many seconds
 */
export async function until(condition: string, isTrue: () => Promise<boolean>, seconds = 50): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`not true within ${seconds} s: ${condition}`);
    await sleep(25);
  }
}
