import { setTimeout as sleep } from 'node:timers/promises';
import type { Info } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';
import { createSeekPartition } from '../../../../activities/scoring/seek-partition.ts';
import type { Offsets } from '../../../../clients/kafka/offsets.ts';
import type { TransactionOutput, Transactions } from '../../../../clients/kafka/transactions.ts';
import type { SeekTarget } from '../../../../contract/scoring-loop.ts';
import { NO_TOTALS } from '../../../../domain/scoring/committed-metadata.ts';

/** A topic of three partitions with the offsets 5 to 10. @param opened awaited before a producer is opened */
function kafka(opened: Promise<void> = Promise.resolve()) {
  const commits: [partition: number, offset: number][] = [];
  const offsets = {
    ends: () => Promise.resolve({ low: 5, high: 10 }),
    at: () => Promise.resolve(7),
    topic: () => Promise.resolve({ clusterId: 'cluster', topicId: 'topic', partitionCount: 3 }),
    committed: () => Promise.resolve({ offset: 6, metadata: null }),
  } as unknown as Offsets;
  const transactions = {
    async open() {
      await opened;
      return {
        fencedAtMs: 0,
        close: () => Promise.resolve(),
        commit({ partition, offset }: TransactionOutput) {
          commits.push([partition, offset]);
          return Promise.resolve();
        },
      };
    },
  } as unknown as Transactions;
  const seekPartition = createSeekPartition({ offsets, transactions, worker: 'w' });
  const seek = (target: SeekTarget, partition = 1, info: Partial<Info> = {}): Promise<unknown> =>
    new MockActivityEnvironment(
      {
        startToCloseTimeoutMs: 24_000,
        scheduleToCloseTimeoutMs: 50_000,
        scheduledTimestampMs: 0,
        currentAttemptScheduledTimestampMs: 0,
        ...info,
      },
      { logger: new DefaultLogger('ERROR') },
    ).run(seekPartition, { topic: 't', group: 'g', partition, target, totals: NO_TOTALS });
  return { seek, commits };
}

describe('the seek of a partition', () => {
  test.each<[SeekTarget, number]>([
    [{ end: 'earliest' }, 5],
    [{ end: 'latest' }, 10],
    [{ time: '2026-01-01T00:00:00Z' }, 7],
    [{ offsets: { 0: 6, 1: 8 } }, 8],
    [{ offsets: { 1: 10 } }, 10],
  ])('to %j commits the offset, and returns it', async (target, offset) => {
    const { seek, commits } = kafka();
    expect(await seek(target)).toBe(offset);
    expect(commits).toEqual([[1, offset]]);
  });

  test.each<[SeekTarget, number, string]>([
    [{ offsets: { 1: 4 } }, 1, 'offset 4 of partition 1 does not exist; it has 5–10'],
    [{ offsets: { 1: 11 } }, 1, 'offset 11 of partition 1 does not exist; it has 5–10'],
    [{ offsets: { 7: 0 } }, 7, 'offset 0 of partition 7 does not exist; t has 3 partitions'],
  ])('to %j, which does not exist, fails without a retry', async (target, partition, message) => {
    const { seek, commits } = kafka();
    await expect(seek(target, partition)).rejects.toMatchObject({
      message,
      type: 'InvalidInput',
      nonRetryable: true,
    });
    expect(commits).toEqual([]);
  });

  test('ends before its attempt times out, and commits nothing after that', async () => {
    let open = () => {};
    const { seek, commits } = kafka(new Promise((resolve) => (open = resolve)));
    await expect(seek({ end: 'latest' }, 1, { startToCloseTimeoutMs: 1200 })).rejects.toThrow(
      'Kafka did not answer within 0 s',
    );
    open();
    await sleep(10);
    expect(commits).toEqual([]);
  });

  test('takes from the time of all attempts what earlier ones have used', async () => {
    const { seek } = kafka(new Promise(() => {}));
    const started = performance.now();
    await expect(seek({ end: 'latest' }, 1, { currentAttemptScheduledTimestampMs: 48_900 })).rejects.toThrow(
      'Kafka did not answer',
    );
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
