import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Limits work to a steady rate, counted from the creation of the limiter.
 * @param perSecond items per second; 0 for no limit
 * @returns call it with the number of items after each piece of work; it resolves when the next piece may start
 * @throws the signal's AbortError while it waits
 */
export function createRateLimiter(perSecond: number, signal: AbortSignal): (items: number) => Promise<void> {
  const startedMs = performance.now();
  let total = 0;
  return async (items) => {
    total += items;
    if (perSecond === 0) return;
    const waitMs = startedMs + (total / perSecond) * 1000 - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
  };
}
