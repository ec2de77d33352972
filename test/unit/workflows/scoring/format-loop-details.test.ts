import { expect, test } from 'vitest';
import { NO_TOTALS } from '../../../../domain/scoring/committed-metadata.ts';
import { formatLoopDetails } from '../../../../workflows/scoring/format-loop-details.ts';
import { describeLoop, newPartition, recallLoop } from '../../../../workflows/scoring/loop-memory.ts';

const MINUTE = 60_000;

test('the details of a loop have a row for each partition, and say why one is stuck or not started', () => {
  const working = {
    ...newPartition(0, 42, NO_TOTALS),
    ...{ lag: { offsets: 7, eventSeconds: 3, appendSeconds: 2 }, perSecond: 5, worker: 'w1' },
    lastBatch: { startedAtMs: 0, offsets: 10, durationMs: 80, appendedMs: 0 },
  };
  const stuck = {
    ...newPartition(1, 6, NO_TOTALS),
    stuck: { sinceMs: MINUTE, lastMs: 2 * MINUTE, reason: 'the batch is damaged', attempts: 9 },
  };
  const failedOnce = {
    ...newPartition(2, 8, NO_TOTALS),
    stuck: { sinceMs: MINUTE, lastMs: MINUTE, reason: 'a leader moves', attempts: 1 },
  };
  const loop = recallLoop(
    { topic: 't', kind: 'profiles', group: 'g', shard: 0, settings: {} },
    { partitions: [working, stuck, failedOnce], partitionCount: 3 },
  );
  loop.unstarted = [
    { partition: 2, reason: 'partition 2 has no leader' },
    { partition: 3, reason: 'the topic has no such partition any more' },
  ];
  const details = formatLoopDetails(describeLoop(loop, true));
  expect(details).toContain(
    '| 0 | 42 | 7 | 3 s | 5 | 10 offsets in 80 ms, 1970-01-01T00:00:00.000Z | w1 |\n' +
      '| **1, stuck** | 6 | 0 |  | 0 |  |  |\n' +
      '| 2 | 8 | 0 |  | 0 |  |  |',
  );
  expect(details).toContain(
    'Partition 1: stuck since 1970-01-01T00:01:00.000Z, 9 attempts: `the batch is damaged`',
  );
  expect(details).not.toContain('a leader moves');
  expect(details).toContain('Partition 2: not started: `partition 2 has no leader`');
  expect(details).not.toContain('no such partition');
});
