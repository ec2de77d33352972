import { describe, expect, test } from 'vitest';
import { createRateLimiter } from '../../../../activities/warming/rate-limiter.ts';

const PER_SECOND = 100;

/** A limiter whose clock moves only when it waits, or when a test moves it. */
function limiterAt(perSecond: number) {
  const clock = {
    now: 5000,
    nowMs: () => clock.now,
    sleep: (ms: number) => Promise.resolve(void (clock.now += ms)),
  };
  return { clock, rate: createRateLimiter(perSecond, new AbortController().signal, clock) };
}

describe('a rate limiter', () => {
  test('keeps to the rate', async () => {
    const { clock, rate } = limiterAt(PER_SECOND);
    for (let piece = 0; piece < 7; piece += 1) await rate.wait(50);
    expect(clock.now - 5000).toBe(3500);
  });

  test('counts the time of the work itself', async () => {
    const { clock, rate } = limiterAt(PER_SECOND);
    for (let piece = 0; piece < 10; piece += 1) {
      clock.now += 300;
      await rate.wait(50);
    }
    expect(clock.now - 5000).toBe(5000);
  });

  test('after a pause of any length makes up for one second at most', async () => {
    const { clock, rate } = limiterAt(PER_SECOND);
    await rate.wait(100);
    clock.now += 60_000;
    const afterPause = clock.now;
    for (let piece = 0; piece < 10; piece += 1) await rate.wait(100);
    // The first hundred were due a second ago.
    expect(clock.now - afterPause).toBe(9000);
  });

  test('without a limit never waits', async () => {
    const { clock, rate } = limiterAt(0);
    await rate.wait(1_000_000);
    expect(clock.now).toBe(5000);
  });

  test('ends its wait when the work is cancelled', async () => {
    const cancelled = new AbortController();
    const waiting = createRateLimiter(1, cancelled.signal).wait(3600);
    cancelled.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
