import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createScorePartition } from '../../../../activities/scoring/score-partition.ts';
import type { SliceArgs, SliceReport } from '../../../../activities/scoring/slice.ts';
import { isStuck } from '../../../../contract/scoring-loop.ts';
import { dependencies, POSITION, sliceArgs } from './fake-partition.ts';

const SLICE_MS = 60_000;
const never = () => new Promise<never>(() => {});
const quiet = { logStart: 0, lastStable: POSITION, high: POSITION };

function withResolvers() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Kafka accepts requests and answers none. */
const hanging = () => ({ ...dependencies({}), transactions: { open: never, close: never } });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/**
 * Runs a slice until it reports.
 * @param stopAfterMs when the worker shuts down
 * @param begun resolves when the last work of the slice has begun; the clock stands still until then
 */
async function runSlice(
  args: SliceArgs,
  deps: Omit<ReturnType<typeof dependencies>, 'draining'>,
  { stopAfterMs = Infinity, begun = Promise.resolve() }: { stopAfterMs?: number; begun?: Promise<void> } = {},
): Promise<SliceReport & { readonly heartbeats: unknown[] }> {
  const draining = new AbortController();
  const environment = new MockActivityEnvironment();
  const heartbeats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
  const scorePartition = createScorePartition({ ...deps, draining: draining.signal });
  const report = environment.run<[SliceArgs], SliceReport, typeof scorePartition>(scorePartition, args);
  if (stopAfterMs < Infinity) setTimeout(() => draining.abort(), stopAfterMs);
  await begun;
  await vi.advanceTimersByTimeAsync(SLICE_MS + 20_000);
  return { ...(await report), heartbeats };
}

describe('a slice whose work never ends', () => {
  test('reports that as a failure, and the second one in a row shows the partition as stuck', async () => {
    const first = await runSlice(sliceArgs('available', SLICE_MS), hanging());
    expect([first.state.stuck?.attempts, isStuck(first.state)]).toEqual([1, false]);

    const second = await runSlice(sliceArgs('available', SLICE_MS, first.state), hanging());
    expect(isStuck(second.state)).toBe(true);
    expect(second.state.stuck?.reason).toBe('the slice ended while it was fencing older attempts');
  });

  test('reports no failure when it was stopped: nobody knows whether the work would have ended', async () => {
    const { state } = await runSlice(sliceArgs('available', SLICE_MS), hanging(), { stopAfterMs: 10_000 });
    expect(state.stuck).toBeNull();
  });
});

describe('a slice whose last work never ends after a failure', () => {
  /** Kafka does not fence the first attempt. */
  function failingFirst(deps: ReturnType<typeof dependencies>, onSecond: () => void = () => {}) {
    const open = vi.fn(() => (onSecond(), deps.transactions.open('id')));
    open.mockRejectedValueOnce(new Error('Kafka has not fenced'));
    return { ...deps, transactions: { ...deps.transactions, open } };
  }

  test('reports that failure as its reason, and what it was doing', async () => {
    const { promise: begun, resolve } = withResolvers();
    const { state } = await runSlice(sliceArgs('available', SLICE_MS), failingFirst(hanging(), resolve), {
      begun,
    });
    expect(state.stuck?.reason).toBe(
      'Kafka has not fenced; then the slice ended while it was fencing older attempts',
    );
  });

  test('does not report that failure when the partition worked after it', async () => {
    const { promise: begun, resolve } = withResolvers();
    const waitForRecords = vi.fn(() => (resolve(), never()));
    waitForRecords.mockResolvedValueOnce(quiet as never);
    const deps = dependencies({
      read: ({ offset }) => Promise.resolve({ records: [], to: offset, log: quiet, ahead: null }),
      waitForRecords,
    });
    const { state } = await runSlice(sliceArgs('available', SLICE_MS), failingFirst(deps), { begun });
    expect(state.stuck?.reason).toBe('the slice ended while it was waiting for data');
  });
});

describe('the heartbeat of a slice', () => {
  test('says that it waits for the fence', async () => {
    const { heartbeats } = await runSlice(sliceArgs('available', SLICE_MS), hanging());
    expect(heartbeats.length).toBeGreaterThan(50);
    expect(heartbeats.at(-1)).toEqual({
      doing: 'fencing older attempts',
      offset: POSITION,
      lag: 0,
      records: 0,
    });
  });

  test('says that it waits for data', async () => {
    const deps = dependencies({
      read: ({ offset }) => Promise.resolve({ records: [], to: offset, log: quiet, ahead: null }),
      waitForRecords: () => new Promise((resolve) => setTimeout(() => resolve(quiet), 1000)),
    });
    const { heartbeats } = await runSlice(sliceArgs('available', SLICE_MS), deps);
    expect(heartbeats).toContainEqual({ doing: 'waiting for data', offset: POSITION, lag: 0, records: 0 });
  });
});
