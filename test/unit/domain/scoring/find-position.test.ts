import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CommittedMetadata,
  NO_CLUSTER_ID,
  NO_TOPIC_ID,
  NO_TOTALS,
} from '../../../../domain/scoring/committed-metadata.ts';
import { findPosition, planStart, skipExpired } from '../../../../domain/scoring/find-position.ts';

const identity = { clusterId: 'c', topicId: 't' };
const seven = { ...NO_TOTALS, records: 7 };
const eight = { ...NO_TOTALS, records: 8 };
const known = { position: 7, identity, totals: seven };
const metadata: CommittedMetadata = {
  worker: 'w',
  identity,
  newestEventMs: 99,
  totals: eight,
  started: null,
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

describe('the place where a partition starts in a topic that is being read', () => {
  const started = { partitions: 2, atMs: 1000 };
  const none = { committed: null, metadata: null };
  const committed = (more: Partial<CommittedMetadata> = {}) => ({
    committed: 5,
    metadata: { ...metadata, started, ...more },
  });
  /** A shard starts. @param own its partitions; the other shard has committed one */
  const plan = (own: Parameters<typeof planStart>[0], nowMs = 1000, knowsNone = true) =>
    planStart([committed(), ...own], own, { identity, knowsNone, nowMs });

  // Finding 10: an earlier start that failed half way made the rest start at the beginning.
  test('is where the group began with the topic, because its start failed half way or its offset is forgotten', () => {
    expect(plan([none, none]).placeOf(1)).toEqual({ atMs: 1000 });
  });

  // A start by time skips records with earlier times, also those that came later.
  test('is 10 minutes earlier for a shard that has begun before: the clock of a producer may be behind', () => {
    const earlier = { atMs: 1000 - 600_000 };
    expect(plan([none, none], 601_000 - 1).placeOf(1)).toEqual({ atMs: 1000 });
    expect(plan([none, none], 601_000).placeOf(1)).toEqual(earlier);
    expect(plan([none, committed()]).placeOf(1)).toEqual(earlier);
    expect(plan([none, none], 1000, false).placeOf(1)).toEqual(earlier);
  });

  test('is the beginning of a partition that was added later', () => {
    expect(plan([none]).placeOf(2)).toBe('low');
  });

  test('is the beginning when nobody has noted when the group began', () => {
    const own = [committed({ started: null }), none];
    const unknown = planStart(own, own, { identity, knowsNone: true, nowMs: 1000 });
    expect([unknown.started, unknown.placeOf(0)]).toEqual([null, 'low']);
  });

  test('counts from the earliest start, that of the loop which was first', () => {
    const later = committed({ started: { partitions: 2, atMs: 1001 } });
    expect(plan([later, none, committed(), later]).started).toEqual(started);
  });

  test('counts from no start of a topic that was deleted since', () => {
    const other = { clusterId: 'c', topicId: 'other' };
    const now = { identity: other, knowsNone: true, nowMs: 1000 };
    expect(planStart([committed()], [none], now).started).toBeNull();
  });
});
