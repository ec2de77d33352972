import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startSliceTime } from '../../../../activities/scoring/slice.ts';

const SECOND = 1000;
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Starts a slice. @returns after how many ms it begins no further batch, cuts the one in flight, and is over */
function timesOf(sliceMs: number, stopAfterMs = Infinity): readonly number[] {
  const started = Date.now();
  const stop = new AbortController();
  const time = startSliceTime(sliceMs, [stop.signal]);
  const times: number[] = [];
  for (const signal of [time.ending, time.cut, time.over])
    signal.addEventListener('abort', () => times.push(Date.now() - started));
  if (stopAfterMs < Infinity) setTimeout(() => stop.abort(), stopAfterMs);
  vi.advanceTimersByTime(100 * SECOND);
  time.close();
  return times;
}

test('a slice cuts its batch soon after its time is up', () => {
  expect(timesOf(60 * SECOND)).toEqual([60_000, 60_500, 66_000]);
});

// A model that takes 2 s would never answer within a slice of 1 s, and each slice would score the same events in vain.
test('a short slice leaves a slow model the time to answer', () => {
  expect(timesOf(SECOND)).toEqual([1000, 10_000, 15_500]);
});

test.each([500, 3000])('a slice of a second that is stopped after %i ms cuts its batch soon', (stopMs) => {
  expect(timesOf(SECOND, stopMs)).toEqual([Math.min(stopMs, SECOND), stopMs + 500, stopMs + 6000]);
});
