import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';
import type { BatchResult, MicroBatch } from '../../../../activities/scoring/micro-batch.ts';
import { createSliceProgress, type SliceArgs, startSliceTime } from '../../../../activities/scoring/slice.ts';
import {
  createWorkPartition,
  type WorkPartitionDeps,
} from '../../../../activities/scoring/work-partition.ts';
import { OffsetOutOfRangeError } from '../../../../clients/kafka/read-errors.ts';
import type { RecordReader } from '../../../../clients/kafka/record-reader.ts';
import type { TransactionOutput } from '../../../../clients/kafka/transactions.ts';
import type { PartitionState } from '../../../../contract/scoring-loop.ts';
import { NO_TOTALS, parseCommittedMetadata } from '../../../../domain/scoring/committed-metadata.ts';
import { describeLoop, noteReport, recallLoop } from '../../../../workflows/scoring/loop-memory.ts';
import { logRecord } from '../../../support/log-record.ts';
import { dependencies, noWork, NOTHING, POSITION, sliceArgs } from './fake-partition.ts';

const SECOND = 1000;

/** Works a partition once, until it ends or fails. @returns what the loop shows then, and what was committed */
async function slice(
  args: SliceArgs,
  deps: (commit: (output: TransactionOutput) => Promise<void>) => WorkPartitionDeps,
  work: (batch: MicroBatch) => Promise<BatchResult> = noWork,
) {
  const committed: TransactionOutput[] = [];
  const progress = createSliceProgress(args, 'w');
  const workPartition = createWorkPartition(
    deps((output) => Promise.resolve(void committed.push(output))),
    { profiles: work, videos: noWork },
  );
  const time = startSliceTime(args.sliceMs, []);
  try {
    await new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() =>
      workPartition(args, progress, time),
    );
  } catch (error) {
    progress.noteFailure(error);
  } finally {
    time.close();
  }
  const loop = recallLoop({ topic: 't', kind: 'profiles', group: 'g', shard: 0, settings: {} });
  noteReport(loop, progress.report(), 1);
  const [state] = describeLoop(loop, false).partitions;
  if (state === undefined) throw new Error('unreachable: it has reported');
  const totals = committed.map(({ metadata }) => parseCommittedMetadata(metadata)?.totals);
  return { state, committed: committed.map(({ offset }) => offset), totals };
}

const nothingMore = { logStart: 0, lastStable: POSITION, high: POSITION };
const idle: Partial<RecordReader> = {
  read: ({ offset }) => Promise.resolve({ records: [], to: offset, log: nothingMore, ahead: null }),
  waitForRecords: () => sleep(10, nothingMore),
};
/** There is always one more batch. */
const backlog: Partial<RecordReader> = {
  read: ({ offset }) =>
    sleep(1, {
      records: [logRecord(offset, { timestampMs: Date.now() - 30 * SECOND })],
      ...{ to: offset + 1, ahead: null },
      log: { logStart: 0, lastStable: POSITION + 100, high: POSITION + 100 },
    }),
};
const limits = () => Promise.resolve(new Map<never, never>());

describe('a quiet partition', () => {
  test('whose offset Kafka has forgotten commits it again immediately', async () => {
    const totals = { ...NO_TOTALS, records: 7 };
    const forgotten = { committed: () => Promise.resolve({ offset: null, metadata: null }) };
    const done = await slice(sliceArgs('available', 50, { totals }), (commit) =>
      dependencies(idle, { commit }, forgotten),
    );
    expect(done).toMatchObject({ committed: [POSITION], totals: [totals] });
  });

  test('whose offsets have expired counts them once, although no batch follows', async () => {
    const expired: Partial<RecordReader> = {
      ...idle,
      read: (from, ...rest) =>
        from.offset < POSITION
          ? Promise.reject(new OffsetOutOfRangeError(from, { ...nothingMore, logStart: POSITION }))
          : (idle.read as RecordReader['read'])(from, ...rest),
    };
    const set = { committed: () => Promise.resolve({ offset: POSITION - 1000, metadata: null }) };
    const done = await slice(sliceArgs('available', 50), (commit) => dependencies(expired, { commit }, set));
    expect(done.totals.at(-1)).toEqual({ ...NO_TOTALS, expired: 1000 });
    expect(done.committed.at(-1)).toBe(POSITION);
  });
});

describe('the lag', () => {
  test('of a partition whose work fails grows with its log', async () => {
    const done = await slice(
      sliceArgs('available', 50),
      (commit) => dependencies(backlog, { commit }),
      () => Promise.reject(new Error('the model is down')),
    );
    expect(done.state.lag.offsets).toBe(100);
  });

  test('in seconds is the age of the last event that was scored, by both of its times', async () => {
    const done = await slice(
      sliceArgs('available', 1),
      (commit) => dependencies(backlog, { commit, limits }),
      () => Promise.resolve({ ...NOTHING, newestEventMs: Date.now() - 60 * SECOND }),
    );
    expect(done.state.lag).toMatchObject({ eventSeconds: 60, appendSeconds: 30 });
    expect(done.state.perSecond).toBeGreaterThan(0);
    expect(done.state.lastBatch).toMatchObject({ offsets: 1 });
  });

  test('in seconds is known in a slice that commits nothing', async () => {
    const args = sliceArgs('available', 50);
    const before = await slice(
      args,
      (commit) => dependencies(backlog, { commit, limits }),
      () => Promise.resolve(NOTHING),
    );
    const done = await slice(
      { ...args, state: { ...before.state, position: POSITION } },
      (commit) => dependencies(backlog, { commit }),
      () => Promise.reject(new Error('the model is down')),
    );
    expect(done.state.lag.appendSeconds).toBe(30);
  });
});

test('a batch that is cut commits what is scored, and the next one goes on from there', async () => {
  const end = POSITION + 10;
  const reader: Partial<RecordReader> = {
    ...idle,
    read: ({ offset }) =>
      sleep(1, {
        records: Array.from({ length: end - offset }, (_, index) => logRecord(offset + index)),
        ...{ to: end, log: { logStart: 0, lastStable: end, high: end }, ahead: null },
      }),
  };
  const scoreFour = ({ records }: MicroBatch): Promise<BatchResult> => {
    const scored = records.slice(0, 4).map(({ offset }) => offset);
    return Promise.resolve({ ...NOTHING, scored, cutAt: records[4]?.offset ?? null });
  };
  const done = await slice(
    sliceArgs('available', SECOND),
    (commit) => dependencies(reader, { commit, limits }),
    scoreFour,
  );
  expect(done.committed.slice(0, 3)).toEqual([POSITION + 4, POSITION + 8, end]);
  expect(done.totals[2]).toMatchObject({ batches: 3, records: 10, scored: 10 });
});

describe('a partition', () => {
  const stuck = { sinceMs: 0, lastMs: 60 * SECOND, reason: 'the model is down', attempts: 9 };

  test('that works again says so after a batch or two, also with a backlog', async () => {
    const started = performance.now();
    const done = await slice(
      sliceArgs('available', 5 * SECOND, { stuck }),
      (commit) => dependencies(backlog, { commit, limits }),
      () => sleep(20, NOTHING),
    );
    expect(done.state.stuck).toBeNull();
    expect(done.committed.length).toBeLessThan(3);
    expect(performance.now() - started).toBeLessThan(2 * SECOND);
  });

  test('that has failed once is not stuck', async () => {
    const failing = { ...idle, read: () => Promise.reject(new Error('its leader moves')) };
    const done = await slice(sliceArgs('available', 50), () => dependencies(failing));
    expect(done.state.stuck).toBeNull();
  });

  test('that waits for its tick is not stuck: Kafka answers, and no batch is overdue', async () => {
    const lastBatch: PartitionState['lastBatch'] = {
      ...{ startedAtMs: Date.now(), offsets: 1, durationMs: 1, appendedMs: null },
    };
    const done = await slice(sliceArgs(3600, 2 * SECOND, { stuck, lastBatch }), () => dependencies(idle));
    expect(done.state.stuck).toBeNull();
  });
});
