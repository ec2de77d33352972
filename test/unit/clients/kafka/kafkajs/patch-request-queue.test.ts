import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { patchRequestQueue } from '../../../../../clients/kafka/kafkajs/patch-request-queue.ts';

/** The patch changes an internal object of kafkajs. This test fails if a new version changes that object. */
const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
  options: object,
) => {
  maybeThrottle(ms: number): void;
  checkPendingRequests(): void;
  push(request: object): void;
  pending: unknown[];
};
const queue = (maxInFlightRequests: number) =>
  new RequestQueue({ maxInFlightRequests, requestTimeout: 1000, logger: { debug() {} } });

beforeEach(() => {
  patchRequestQueue();
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test('a connection without pending requests sets no timer', () => {
  queue(1).checkPendingRequests();
  expect(vi.getTimerCount()).toBe(0);
});

test('a waiting request and a throttled connection set a timer', () => {
  const full = queue(0);
  full.push({ entry: { correlationId: 1 }, sendRequest() {} });
  expect(full.pending).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(1);
  const throttled = queue(1);
  throttled.maybeThrottle(50);
  throttled.checkPendingRequests();
  expect(vi.getTimerCount()).toBe(2);
});
