import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test, vi } from 'vitest';
import { createSliceProgress, type SliceArgs, startSliceTime } from '../../../../activities/scoring/slice.ts';
import { createWorkPartition } from '../../../../activities/scoring/work-partition.ts';
import { dependencies, MAX_OFFSETS, noWork, NOTHING, POSITION, sliceArgs } from './fake-partition.ts';

interface Case {
  readonly triggerSeconds: number;
  readonly sliceMs: number;
  /** How long ago the last batch began, by the clock of this worker. */
  readonly lastBatchAgoMs: number;
  readonly lag: number;
  /** Offsets that arrive after the slice has begun. */
  readonly arriving?: number;
}

/** The log of a partition in which so many offsets wait. */
const logOf = (waiting: number) => ({
  logStart: 0,
  lastStable: POSITION + waiting,
  high: POSITION + waiting,
});

/** Works a partition until it reads. @returns when it read, in ms since its slice began; null when it did not */
async function firstRead({
  triggerSeconds,
  sliceMs,
  lastBatchAgoMs,
  lag,
  arriving = 0,
}: Case): Promise<number | null> {
  let readAt: number | null = null;
  const stop = new Error('it reads');
  const deps = dependencies({
    read: () => {
      readAt = performance.now() - started;
      return Promise.reject(stop);
    },
    waitForRecords: () => Promise.resolve(logOf(arriving)),
  });
  const idle = sliceArgs(triggerSeconds, sliceMs);
  const args: SliceArgs = {
    ...idle,
    state: {
      ...idle.state,
      lastBatch: { startedAtMs: Date.now() - lastBatchAgoMs, offsets: 1, durationMs: 1, appendedMs: null },
      lag: { offsets: lag, eventSeconds: 1, appendSeconds: 1 },
    },
  };
  const started = performance.now();
  const time = startSliceTime(sliceMs, []);
  try {
    await createWorkPartition(deps, { profiles: noWork, videos: noWork })(
      args,
      createSliceProgress(args, 'w'),
      time,
    );
  } catch (error) {
    if (error !== stop) throw error;
  } finally {
    time.close();
  }
  return readAt;
}

const LONG = 60_000;

describe('the first batch of a slice', () => {
  test('begins at once when more offsets wait than a batch holds', async () => {
    const backlog = { triggerSeconds: 50, sliceMs: LONG, lastBatchAgoMs: 0, lag: MAX_OFFSETS };
    expect(await firstRead(backlog)).toBeLessThan(5000);
  });

  test.each([0, MAX_OFFSETS - 1])('waits for its tick when %i offsets wait', async (lag) => {
    const idle = { triggerSeconds: 1, sliceMs: LONG, lastBatchAgoMs: 300, lag };
    expect(await firstRead(idle)).toBeGreaterThan(650);
  });

  test('waits no longer than the trigger, also when the clock of the worker before it was ahead', async () => {
    const ahead = { triggerSeconds: 0.5, sliceMs: LONG, lastBatchAgoMs: -30_000, lag: 0 };
    const readAt = await firstRead(ahead);
    expect(readAt).toBeGreaterThan(450);
    expect(readAt).toBeLessThan(5000);
  });

  test('does not begin when the slice ends before its tick', async () => {
    expect(await firstRead({ triggerSeconds: 3600, sliceMs: 100, lastBatchAgoMs: 0, lag: 0 })).toBeNull();
  });
});

describe('a slice', () => {
  test('ends when the topic grows, and leaves no batch in flight', async () => {
    const log = { logStart: 0, lastStable: POSITION + 100, high: POSITION + 100 };
    const reads: number[] = [];
    const commits: number[] = [];
    let partitionCount = 1;
    const deps = dependencies(
      {
        read: ({ offset }) => {
          reads.push(offset + 1);
          return Promise.resolve({ records: [], to: offset + 1, log, ahead: null });
        },
      },
      {
        limits: () => Promise.resolve(new Map()),
        commit({ offset }) {
          commits.push(offset);
          partitionCount = 2;
          vi.setSystemTime(Date.now() + 6000); // the slice looks at the topic every 5 s
          return Promise.resolve();
        },
      },
      { topic: () => Promise.resolve({ clusterId: 'c', topicId: 't', partitionCount }) },
    );
    const args = sliceArgs('available', 60_000);
    const workPartition = createWorkPartition(deps, {
      profiles: () => Promise.resolve(NOTHING),
      videos: noWork,
    });
    vi.useFakeTimers({ toFake: ['Date'] });
    const time = startSliceTime(args.sliceMs, []);
    try {
      const work = () => workPartition(args, createSliceProgress(args, 'w'), time);
      await new MockActivityEnvironment().run(work);
    } finally {
      time.close();
      vi.useRealTimers();
    }
    expect(reads).toEqual([POSITION + 1, POSITION + 2]);
    expect(commits).toEqual(reads);
  });

  test('counts its failures in a row, also those of the wait for data', async () => {
    const log = { logStart: 0, lastStable: POSITION, high: POSITION };
    const deps = dependencies({
      read: ({ offset }) => Promise.resolve({ records: [], to: offset, log, ahead: null }),
      waitForRecords: () => Promise.reject(new Error('the broker does not answer')),
    });
    const args = sliceArgs('available', 60_000);
    const progress = createSliceProgress(args, 'w');
    const workPartition = createWorkPartition(deps, { profiles: noWork, videos: noWork });
    const time = startSliceTime(args.sliceMs, []);
    const failures: number[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1)
      await workPartition(args, progress, time).catch((error: unknown) =>
        failures.push(progress.noteFailure(error)),
      );
    time.close();
    expect(failures).toEqual([1, 2, 3]);
  });
});

// At the same time: they wait for what a slice looks at every 5 s.
describe.concurrent('a slice that waits for a distant tick', () => {
  test('begins a batch when a backlog arrives meanwhile', async () => {
    const distant = { triggerSeconds: 3600, sliceMs: LONG, lastBatchAgoMs: 0, lag: 0 };
    const [some, backlog] = await Promise.all([
      firstRead({ ...distant, sliceMs: 8000, arriving: MAX_OFFSETS - 1 }),
      firstRead({ ...distant, arriving: MAX_OFFSETS }),
    ]);
    expect([some, typeof backlog]).toEqual([null, 'number']);
  });

  test('shows its lag, and ends when the topic grows', async () => {
    const deps = dependencies(
      { waitForRecords: () => Promise.resolve(logOf(7)) },
      {},
      {
        topic: () => Promise.resolve({ clusterId: 'c', topicId: 't', partitionCount: topics.shift() ?? 2 }),
      },
    );
    const topics = [1, 1];
    const args = sliceArgs(3600, 60_000, {
      lastBatch: { startedAtMs: Date.now(), offsets: 1, durationMs: 1, appendedMs: null },
    });
    const progress = createSliceProgress(args, 'w');
    const time = startSliceTime(args.sliceMs, []);
    await createWorkPartition(deps, { profiles: noWork, videos: noWork })(args, progress, time);
    expect(time.ending.aborted).toBe(false);
    time.close();
    expect(progress.report()).toMatchObject({ partitionCount: 2, state: { lag: { offsets: 7 } } });
  });
});
