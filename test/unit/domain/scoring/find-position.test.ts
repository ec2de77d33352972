import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  NO_CLUSTER_ID,
  NO_TOPIC_ID,
  type CommittedMetadata,
} from '../../../../domain/scoring/committed-metadata.ts';
import { findPosition, startingEnds, skipExpired } from '../../../../domain/scoring/find-position.ts';
import { NO_TOTALS } from '../../../../domain/scoring/partition-totals.ts';

const identity = { clusterId: 'c', topicId: 't' };
const seven = { ...NO_TOTALS, records: 7 };
const eight = { ...NO_TOTALS, records: 8 };
const known = { position: 7, identity, totals: seven };
const metadata: CommittedMetadata = {
  worker: 'w',
  identity,
  newestEventMs: 99,
  totals: eight,
  startedWith: null,
};

describe('the position of a partition', () => {
  test('is the committed offset, with the counts that were committed with it', () => {
    expect(findPosition(known, { committed: 8, metadata, identity })).toEqual({
      offset: 8,
      newestEventMs: 99,
      totals: eight,
      disagreement: null,
    });
  });

  test('is what the loop knows when Kafka has lost the committed offset', () => {
    expect(findPosition(known, { committed: null, metadata: null, identity })).toEqual({
      offset: 7,
      newestEventMs: null,
      totals: seven,
      disagreement: 'forgotten',
    });
  });

  test('is the beginning without a disagreement when nothing was read yet, as in a topic that was created again', () => {
    const kafka = { committed: null, metadata: null, identity };
    expect(findPosition({ ...known, position: 0 }, kafka)).toMatchObject({ offset: 0, disagreement: null });
  });

  test.each([
    ['ahead', 9],
    ['behind', 2],
    [null, 7],
  ])('is the committed offset of another client, which is %s', (disagreement, committed) => {
    const found = findPosition(known, { committed, metadata: null, identity });
    expect(found).toMatchObject({ offset: committed, disagreement, totals: seven });
  });

  test.each([
    ['recreated', { clusterId: 'c', topicId: 'other' }],
    ['replaced', { clusterId: 'other', topicId: 't' }],
  ])('is the beginning of a topic that was %s, and the counts stay', (disagreement, now) => {
    const beginning = { offset: 0, newestEventMs: null, disagreement };
    expect(findPosition(known, { committed: 8, metadata, identity: now })).toEqual({
      ...beginning,
      totals: eight,
    });
    // A recreated topic has no committed offset, and neither has another cluster.
    expect(findPosition(known, { committed: null, metadata: null, identity: now })).toEqual({
      ...beginning,
      totals: seven,
    });
  });

  test('is the committed offset unless both the committed id and that of the broker are known, and differ', () => {
    const anyIdentity = fc.record({
      clusterId: fc.constantFrom(NO_CLUSTER_ID, 'c', 'd'),
      topicId: fc.constantFrom(NO_TOPIC_ID, 't', 'u'),
    });
    const differ = (a: string, b: string, unknown: string) => a !== b && ![a, b].includes(unknown);
    fc.assert(
      fc.property(anyIdentity, anyIdentity, fc.boolean(), (before, now, committed) => {
        const found = findPosition(
          { ...known, identity: before },
          committed
            ? { committed: 8, metadata: { ...metadata, identity: before }, identity: now }
            : { committed: null, metadata: null, identity: now },
        );
        const offset = committed ? 8 : 7;
        if (differ(before.clusterId, now.clusterId, NO_CLUSTER_ID))
          expect(found).toMatchObject({ offset: 0, disagreement: 'replaced' });
        else if (differ(before.topicId, now.topicId, NO_TOPIC_ID))
          expect(found).toMatchObject({ offset: 0, disagreement: 'recreated' });
        else expect(found).toMatchObject({ offset, disagreement: committed ? null : 'forgotten' });
      }),
    );
  });

  test('moves over offsets that retention has deleted, and counts them', () => {
    const position = { offset: 2, newestEventMs: 1, totals: seven };
    expect(skipExpired(position, 6)).toEqual({ ...position, offset: 6, totals: { ...seven, expired: 4 } });
  });
});

describe('the first offset of a partition', () => {
  const partition = (number: number, committed: number | null, startedWith: number | null = null) => ({
    partition: number,
    committed,
    metadata: committed === null ? null : { ...metadata, startedWith },
  });
  const starts = (...partitions: ReturnType<typeof partition>[]) => [...startingEnds(partitions, false)];

  test('is the end in every partition of a topic that the group never read', () => {
    expect(starts(partition(0, null), partition(1, null))).toEqual([
      [0, 'high'],
      [1, 'high'],
    ]);
  });

  // Finding 10: an earlier start that failed half way made the rest start at the beginning.
  test('is the end also when an earlier start has committed some partitions and failed then', () => {
    expect(starts(partition(0, 15, 2), partition(1, null))).toEqual([[1, 'high']]);
  });

  test('is the beginning in a partition that is added to a topic that is being read', () => {
    const added = [partition(0, 15), partition(1, null)];
    expect(starts(...added)).toEqual([[1, 'low']]);
    // Nothing has arrived yet in the others.
    expect(starts(partition(0, 15, 1), partition(1, null))).toEqual([[1, 'low']]);
    expect([...startingEnds([partition(1, null)], true)]).toEqual([[1, 'low']]);
  });

  test('is not needed when everything is committed', () => {
    expect(starts(partition(0, 15), partition(1, 12, 2))).toEqual([]);
  });
});
