import { describe, expect, test } from 'vitest';
import {
  commitMove,
  fencePartition,
  type FencePartitionDeps,
} from '../../../../activities/scoring/fence-partition.ts';
import { createStartPartitions } from '../../../../activities/scoring/start-partitions.ts';
import type { Offsets } from '../../../../clients/kafka/offsets.ts';
import { LeaderNotFoundError } from '../../../../clients/kafka/topic-errors.ts';
import type { TransactionOutput, Transactions } from '../../../../clients/kafka/transactions.ts';
import {
  type CommittedMetadata,
  NO_TOTALS,
  parseCommittedMetadata,
  serializeCommittedMetadata,
} from '../../../../domain/scoring/committed-metadata.ts';
import { PARTITIONS_PER_SHARD } from '../../../../domain/scoring/topics.ts';

const identity = { clusterId: 'cluster', topicId: 'topic' };
const LOW = 10;
const HIGH = 20;
/** The first offset of a partition since some time. */
const SINCE = 15;
/** Clocks of producers may be this much behind. */
const CLOCK_MARGIN_MS = 600_000;
const at = { started: { partitions: 3, atMs: 1000 } };

interface KafkaOptions {
  /** Partitions whose leader is down. */
  readonly leaderless?: ReadonlySet<number>;
  /** Committed with each offset. */
  readonly metadata?: Partial<CommittedMetadata>;
  /** Called when a partition is fenced. */
  readonly onFence?: () => void;
}

/** A topic whose partitions have the offsets 10 to 20. @param committed of each partition */
function kafka(
  committed: (number | null)[],
  { leaderless = new Set(), metadata: given = {}, onFence }: KafkaOptions = {},
) {
  const metadata = committed.map((offset) =>
    offset === null
      ? null
      : serializeCommittedMetadata({
          ...{ worker: 'w', identity, newestEventMs: 1, totals: NO_TOTALS, started: null },
          ...given,
        }),
  );
  const askedTimes: number[] = [];
  const inLog = <T>(partition: number, value: T) =>
    leaderless.has(partition)
      ? Promise.reject(new LeaderNotFoundError('t', partition))
      : Promise.resolve(value);
  const offsets = {
    read: () => {
      const partitions = committed.map((offset, partition) => {
        return { partition, committed: offset, metadata: metadata[partition] ?? null };
      });
      return Promise.resolve({ ...identity, partitions });
    },
    ends: (_topic: string, partition: number) => inLog(partition, { low: LOW, high: HIGH }),
    at: (_topic: string, partition: number, timeMs: number) => {
      askedTimes.push(timeMs);
      return inLog(partition, SINCE);
    },
    committed: (_group: string, _topic: string, partition: number) =>
      Promise.resolve({ offset: committed[partition] ?? null, metadata: metadata[partition] ?? null }),
  } as unknown as Offsets;
  const transactions = {
    open() {
      onFence?.();
      return Promise.resolve({
        close: () => Promise.resolve(),
        commit(output: TransactionOutput) {
          committed[output.partition] = output.offset;
          metadata[output.partition] = output.metadata;
          return Promise.resolve();
        },
      });
    },
  } as unknown as Transactions;
  const deps = { offsets, transactions, worker: 'w' };
  const startPartitions = createStartPartitions({ ...deps, loopDefaults: { group: 'g', settings: {} } });
  return {
    ...{ deps, committed, askedTimes },
    start: (shard = 0, known: number[] = []) => startPartitions({ topic: 't', group: null, shard, known }),
    startOf: (partition: number) => parseCommittedMetadata(metadata[partition] ?? null)?.started,
  };
}

const commitOffset = (deps: FencePartitionDeps, partition: number, offset: number) =>
  fencePartition(deps, { group: 'g', topic: 't', partition }, (fenced) =>
    commitMove(fenced, identity, {
      from: fenced.committed,
      to: { offset, newestEventMs: null, totals: NO_TOTALS },
    }),
  );

describe('the start of a loop', () => {
  test('needs no leader of a partition that has a position', async () => {
    const { start } = kafka([null, 15, 16], { leaderless: new Set([1]) });
    const { positions } = await start();
    expect(Object.values(positions).map(({ offset }) => offset)).toEqual([LOW, 15, 16]);
  });

  test('returns the partitions that it could start, and why it could not start those that have no leader', async () => {
    const { start } = kafka([null, null, 15], { leaderless: new Set([1]) });
    const { positions, unstarted, partitionCount } = await start();
    expect([Object.keys(positions), partitionCount]).toEqual([['0', '2'], 3]);
    expect(unstarted).toEqual([{ partition: 1, reason: expect.stringContaining('no leader') as string }]);
  });

  test('keeps the position of a partition that another attempt has started meanwhile', async () => {
    const committed = [null, 16];
    const { start } = kafka(committed, { onFence: () => committed.fill(17, 0, 1) });
    const { positions } = await start();
    expect(positions[0]?.offset).toBe(17);
    expect(committed).toEqual([17, 16]);
  });

  test('fails, and is repeated by Temporal, when no partition has a position', async () => {
    const { start } = kafka([null, null], { leaderless: new Set([0, 1]) });
    await expect(start()).rejects.toThrow('no leader');
  });

  test('begins at the end of every partition of a topic that the group never read', async () => {
    const { start, committed } = kafka([null, null]);
    await start();
    expect(committed).toEqual([HIGH, HIGH]);
  });

  test('that fails half way and is repeated uses the start time of the first attempt for the other partitions', async () => {
    const leaderless = new Set([1]);
    const { start, committed, startOf, askedTimes } = kafka([null, null, null], { leaderless });
    await start();
    expect(committed).toEqual([HIGH, null, HIGH]);
    leaderless.clear();
    const { positions } = await start();
    expect(committed).toEqual([HIGH, SINCE, HIGH]);
    expect(Object.values(positions).map(({ offset }) => offset)).toEqual(committed);
    expect(askedTimes).toEqual([(startOf(0)?.atMs ?? 0) - CLOCK_MARGIN_MS]);
  });

  // Only the commits of the start had noted it, so that after a batch every partition without an offset counted as added.
  test('knows a partition whose offset Kafka has forgotten from one that was added, also after batches and seeks', async () => {
    const { deps, start, committed, startOf, askedTimes } = kafka([17, null, null, null], { metadata: at });
    await commitOffset(deps, 0, 18);
    await start(0, [0, 2]);
    expect(committed).toEqual([18, SINCE, null, LOW]);
    expect(askedTimes).toEqual([1000 - CLOCK_MARGIN_MS]);
    expect([0, 1, 3].map(startOf)).toEqual([at.started, at.started, at.started]);
  });
});

describe('the loop of a shard', () => {
  const last = (shard: number) => shard * PARTITIONS_PER_SHARD + PARTITIONS_PER_SHARD - 1;
  const of = (committed: readonly (number | null)[], shard: number) =>
    new Set(committed.slice(shard * PARTITIONS_PER_SHARD, last(shard) + 1));

  // Kafka forgets the offsets of a loop that is paused for long. That loop knows them, and no other may commit there.
  test('starts its own partitions only, also when Kafka has forgotten those of another loop', async () => {
    const forgotten = Array.from({ length: 3 * PARTITIONS_PER_SHARD }, (_, partition) =>
      partition < PARTITIONS_PER_SHARD ? 15 : null,
    );
    const { start, committed } = kafka(forgotten, { metadata: { started: { partitions: 64, atMs: 1000 } } });
    const { positions, partitionCount } = await start(2);
    expect([of(committed, 1), of(committed, 2)]).toEqual([new Set([null]), new Set([LOW])]);
    expect(Object.keys(positions)).toHaveLength(PARTITIONS_PER_SHARD);
    expect(partitionCount).toBe(forgotten.length);
  });

  test('that starts again when Kafka has forgotten everything leaves the others alone', async () => {
    const { start, committed } = kafka(Array.from({ length: 64 }, () => null));
    await start(1);
    expect([of(committed, 0), of(committed, 1)]).toEqual([new Set([null]), new Set([HIGH])]);
  });

  test('starts exactly where the first loop of the topic began, and scores no history, although that has committed batches since', async () => {
    const { deps, start, committed, startOf, askedTimes } = kafka(Array.from({ length: 64 }, () => null));
    await start(0);
    for (let partition = 0; partition < PARTITIONS_PER_SHARD; partition += 1)
      await commitOffset(deps, partition, HIGH + 1);
    await start(1);
    expect([of(committed, 0), of(committed, 1)]).toEqual([new Set([HIGH + 1]), new Set([SINCE])]);
    expect(new Set(askedTimes)).toEqual(new Set([startOf(0)?.atMs]));
  });
});
