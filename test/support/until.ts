import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something is so. @throws an Error saying what did not happen within so many seconds */
export async function until(what: string, done: () => Promise<boolean>, seconds = 30): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(25);
  }
}
