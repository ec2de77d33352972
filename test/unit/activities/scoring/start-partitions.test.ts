import { describe, expect, test } from 'vitest';
import { createStartPartitions } from '../../../../activities/scoring/start-partitions.ts';
import type { Offsets } from '../../../../clients/kafka/offsets.ts';
import { LeaderNotFoundError } from '../../../../clients/kafka/topic-errors.ts';
import type { TransactionOutput, Transactions } from '../../../../clients/kafka/transactions.ts';

const identity = { clusterId: 'cluster', topicId: 'topic' };
const HIGH = 20;

/** A topic of three partitions with the offsets 10 to 20. @param leaderless partitions whose leader is down */
function kafka(leaderless: Set<number>, committed: (number | null)[]) {
  const metadata: (string | null)[] = [];
  const committedOf = (partition: number) => ({
    offset: committed[partition] ?? null,
    metadata: metadata[partition] ?? null,
  });
  const offsets = {
    read: () => {
      const partitions = committed.map((offset, partition) => {
        return { partition, committed: offset, metadata: metadata[partition] ?? null };
      });
      return Promise.resolve({ ...identity, partitions });
    },
    ends: (_topic: string, partition: number) =>
      leaderless.has(partition)
        ? Promise.reject(new LeaderNotFoundError('t', partition))
        : Promise.resolve({ low: 10, high: HIGH }),
    committed: (_group: string, _topic: string, partition: number) => Promise.resolve(committedOf(partition)),
  } as unknown as Offsets;
  const transactions = {
    open: () =>
      Promise.resolve({
        close: () => Promise.resolve(),
        commit(output: TransactionOutput) {
          committed[output.partition] = output.offset;
          metadata[output.partition] = output.metadata;
          return Promise.resolve();
        },
      }),
  } as unknown as Transactions;
  const loopDefaults = { group: 'g', settings: {} };
  const startPartitions = createStartPartitions({ offsets, transactions, worker: 'w', loopDefaults });
  return { committed, start: () => startPartitions({ topic: 't', group: null, known: [] }) };
}

describe('the start of a loop', () => {
  test('needs no leader of a partition that has a position', async () => {
    const { start } = kafka(new Set([1]), [null, 15, 16]);
    const { positions } = await start();
    expect(Object.values(positions).map(({ offset }) => offset)).toEqual([10, 15, 16]);
  });

  test('that fails half way and is repeated begins at the end of every partition', async () => {
    const leaderless = new Set([1]);
    const { start, committed } = kafka(leaderless, [null, null, null]);
    await expect(start()).rejects.toThrow('no leader');
    await expect.poll(() => committed).toEqual([HIGH, null, HIGH]);
    leaderless.clear();
    const { positions } = await start();
    expect(committed).toEqual([HIGH, HIGH, HIGH]);
    expect(Object.values(positions).map(({ offset }) => offset)).toEqual(committed);
  });
});
