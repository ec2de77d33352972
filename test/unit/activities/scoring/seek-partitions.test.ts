import { setTimeout as sleep } from 'node:timers/promises';
import type { ApplicationFailure, Info } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';
import {
  createSeekPartitions,
  type SeekPartitionsArgs,
} from '../../../../activities/scoring/seek-partitions.ts';
import type { SeekTarget } from '../../../../contract/scoring-loop.ts';
import type { Offsets } from '../../../../clients/kafka/offsets.ts';
import type { TransactionOutput, Transactions } from '../../../../clients/kafka/transactions.ts';
import { LeaderNotFoundError } from '../../../../clients/kafka/topic-errors.ts';
import { newPartition } from '../../../../workflows/scoring/loop-memory.ts';
import { NO_TOTALS } from '../../../../domain/scoring/partition-totals.ts';

const identity = { clusterId: 'cluster', topicId: 'topic' };
const args = {
  topic: 't',
  group: 'g',
  shard: 0,
  target: { end: 'latest' } as SeekTarget,
  partitions: [0, 1, 2].map((partition) => newPartition(partition, 0, NO_TOTALS)),
} satisfies SeekPartitionsArgs;

/** A topic of three partitions that end at 10, 11 and 12. @param opening what opening a producer of a partition does */
function kafka(opening: (partition: number) => Promise<void>, leaderless?: number) {
  const commits: [partition: number, offset: number][] = [];
  const offsets = {
    ends: (_topic: string, partition: number) =>
      partition === leaderless
        ? Promise.reject(new LeaderNotFoundError('t', partition))
        : Promise.resolve({ low: 0, high: 10 + partition }),
    topic: () => Promise.resolve({ ...identity, partitionCount: 3 }),
    committed: () => Promise.resolve({ offset: 0, metadata: null }),
  } as unknown as Offsets;
  const transactions = {
    async open(id: string) {
      await opening(Number(id.split('/').at(-1)));
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
  const seekPartitions = createSeekPartitions({ offsets, transactions, worker: 'w' });
  const seek = (info: Partial<Info> = {}, target: SeekTarget = args.target) =>
    new MockActivityEnvironment(
      {
        startToCloseTimeoutMs: 24_000,
        scheduleToCloseTimeoutMs: 50_000,
        scheduledTimestampMs: 0,
        currentAttemptScheduledTimestampMs: 0,
        ...info,
      },
      { logger: new DefaultLogger('ERROR') },
    ).run(seekPartitions, { ...args, target });
  return { seek, commits };
}

const failure = async (seek: Promise<unknown>) => {
  const { message, details } = await seek.then(
    () => ({ message: 'it succeeded', details: null }),
    (error: unknown) => error as ApplicationFailure,
  );
  return { message, details };
};

describe('a seek', () => {
  test('moves the other partitions when one fails, and says which was not moved, and why', async () => {
    const { seek, commits } = kafka(async (partition) => {
      await sleep(partition * 10);
      if (partition === 1) throw new Error('its broker is down');
    });
    expect(await failure(seek())).toEqual({
      message: 'partition 1 was not moved: its broker is down',
      details: [{ 0: 10, 2: 12 }],
    });
    expect(commits).toEqual([
      [0, 10],
      [2, 12],
    ]);
  });

  test('moves the other partitions when one has no leader', async () => {
    const { seek, commits } = kafka(() => Promise.resolve(), 1);
    expect((await failure(seek())).message).toBe(
      'partition 1 was not moved: Partition 1 of topic t has no leader',
    );
    expect(commits).toEqual([
      [0, 10],
      [2, 12],
    ]);
  });

  test('ends before its attempt times out, and commits nothing after that', async () => {
    let answer = () => {};
    const { seek, commits } = kafka((partition) =>
      partition === 0 ? Promise.resolve() : new Promise<void>((resolve) => (answer = resolve)),
    );
    expect(await failure(seek({ startToCloseTimeoutMs: 1200 }))).toEqual({
      message: 'partitions 1, 2 were not moved: Kafka did not answer within 0 s',
      details: [{ 0: 10 }],
    });
    answer();
    await sleep(10);
    expect(commits).toEqual([[0, 10]]);
  });

  test('takes from the time of all attempts what earlier ones have used', async () => {
    const { seek } = kafka(() => new Promise(() => {}));
    const started = performance.now();
    await failure(seek({ currentAttemptScheduledTimestampMs: 48_900 }));
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('continues the attempt before it', async () => {
    const { seek, commits } = kafka(() => Promise.resolve());
    expect(await seek({ heartbeatDetails: { 0: 10, 1: 11 } })).toEqual({ 0: 10, 1: 11, 2: 12 });
    expect(commits).toEqual([[2, 12]]);
  });

  test('moves no partition to an offset that its target does not name', async () => {
    const { seek, commits } = kafka(() => Promise.resolve());
    const { message } = await failure(seek({}, { offsets: { '01': 5 } }));
    expect(message).toBe('partition 1 was not moved: the seek names no offset of partition 1');
    expect(commits).toEqual([]);
  });
});
