import { describe, expect, test } from 'vitest';
import type { PartitionState } from '../../../../contract/scoring-loop.ts';
import { NO_TOTALS } from '../../../../domain/scoring/committed-metadata.ts';
import {
  isSuperfluous,
  knownPartitions,
  lacksPartitions,
  newPartition,
  nextInput,
  noteReport,
  recallLoop,
  type LoopMemory,
} from '../../../../workflows/scoring/loop-memory.ts';

/** A loop of a topic with so many partitions. */
function loopOf(partitionCount: number): LoopMemory {
  const partitions = Array.from({ length: partitionCount }, (_, number) =>
    newPartition(number, 0, NO_TOTALS),
  );
  const options = { topic: 't', kind: 'profiles', group: 'g', shard: 0, settings: {} } as const;
  return recallLoop(options, { partitions, partitionCount });
}

const STUCK: PartitionState['stuck'] = {
  sinceMs: 0,
  lastMs: 60_000,
  reason: 'no such partition',
  attempts: 9,
};

/** The slice of a partition reports. @param count partitions that it saw; by default it could not count them */
function report(loop: LoopMemory, partition: number, stuck: PartitionState['stuck'], count?: number): void {
  const known = knownPartitions(loop, partition);
  const state = { ...newPartition(partition, 5, NO_TOTALS), stuck };
  noteReport(loop, { state, partitionCount: count ?? known }, known);
}

describe('a loop', () => {
  test('drops partitions that are gone, each when its own slice has failed', () => {
    const loop = loopOf(4);
    report(loop, 0, null, 2);
    expect([...loop.partitions.keys()]).toEqual([0, 1, 2, 3]);
    report(loop, 3, STUCK, 2);
    report(loop, 2, STUCK, 2);
    expect([...loop.partitions.keys()]).toEqual([0, 1]);
    expect(loop).toMatchObject({ partitionCount: 2, seenPartitions: 2 });
    report(loop, 0, null, 3);
    expect(loop).toMatchObject({ partitionCount: 2, seenPartitions: 3 }); // it looks for them again
  });

  test('keeps all partitions while the topic is missing', () => {
    const loop = loopOf(4);
    report(loop, 0, null, 1); // a broker with an old view
    for (const partition of [0, 1, 2, 3]) report(loop, partition, STUCK);
    expect([...loop.partitions.keys()]).toEqual([0, 1, 2, 3]);
  });

  test('keeps a partition that works, whatever a broker says about the number', () => {
    const loop = loopOf(4);
    report(loop, 3, null, 2);
    expect(loop.partitions.has(3)).toBe(true);
  });

  test('of a shard is superfluous when three looks have found no partition, the first loop never', () => {
    const loop = { ...loopOf(1), partitions: new Map() };
    const after = (emptyLooks: number) => {
      const ofShard = { ...loop, shard: 1, emptyLooks };
      return [isSuperfluous(ofShard), lacksPartitions(ofShard)];
    };
    expect([after(0), after(2), after(3)]).toEqual([
      [false, true],
      [false, true],
      [true, false],
    ]);
    expect(isSuperfluous({ ...loop, emptyLooks: 3 })).toBe(false);
  });

  test('lacks a partition that could not be started, also in its next run', () => {
    const loop = loopOf(3);
    expect(lacksPartitions(loop)).toBe(false);
    loop.partitions.delete(1);
    expect(lacksPartitions(loop)).toBe(true);
    expect(lacksPartitions(recallLoop(loop, nextInput(loop, true).carried))).toBe(true);
  });
});
