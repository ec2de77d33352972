import { setTimeout as sleep } from 'node:timers/promises';

/** A steady rate of work. */
export interface RateLimiter {
  /** Items per second; 0 for no limit. */
  readonly perSecond: number;
  /**
   * Call it with the number of items after each piece of work; it resolves when the next piece may start.
   * @throws the signal's AbortError while it waits
   */
  readonly wait: (items: number) => Promise<void>;
}

/** Limits work to a steady rate, counted from the creation of the limiter. @param perSecond 0 for no limit */
export function createRateLimiter(perSecond: number, signal: AbortSignal): RateLimiter {
  const startedMs = performance.now();
  let total = 0;
  return {
    perSecond,
    async wait(items) {
      total += items;
      if (perSecond === 0) return;
      const waitMs = startedMs + (total / perSecond) * 1000 - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    },
  };
}
