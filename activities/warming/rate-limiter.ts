import { setTimeout as sleep } from 'node:timers/promises';
import { renewalRate } from '../../domain/warming/write-rate.ts';

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

/** After a pause, such as a slow query, at most this much of the rate is caught up at once (ms). */
const MAX_CREDIT_MS = 1000;

const realClock = {
  nowMs: (): number => performance.now(),
  sleep: (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }),
};

/** Limits work to a steady rate, counted from the creation of the limiter. @param perSecond 0 for no limit */
export function createRateLimiter(perSecond: number, signal: AbortSignal, clock = realClock): RateLimiter {
  /** The time by which all work so far may be done. */
  let dueMs = clock.nowMs();
  return {
    perSecond,
    async wait(items) {
      if (perSecond === 0) return;
      const now = clock.nowMs();
      dueMs = Math.max(dueMs, now - MAX_CREDIT_MS) + (items / perSecond) * 1000;
      if (dueMs > now) await clock.sleep(dueMs - now, signal);
    },
  };
}

/** Limits renewals of profiles. @param writesPerSecond the limit of writes @param profiles how many may be renewed */
export const createRenewalLimiter = (
  writesPerSecond: number,
  profiles: number,
  signal: AbortSignal,
): RateLimiter => createRateLimiter(renewalRate(writesPerSecond, profiles), signal);
