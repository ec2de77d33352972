import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Holds work back to a steady rate.
 * @param perSecond items; 0 for no limit
 * @returns called after each piece of work with its size: resolves when the next may begin
 */
export function createRateLimiter(perSecond: number, signal: AbortSignal): (items: number) => Promise<void> {
  const started = performance.now();
  let total = 0;
  return async (items) => {
    total += items;
    if (perSecond === 0) return;
    const wait = started + (total / perSecond) * 1000 - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal });
  };
}
