import { describe, expect, test } from 'vitest';
import type { Score } from '../../../domain/entities/score.ts';
import { checkAccounting } from '../../chaos/check-accounting.ts';
import type { Evidence } from '../../chaos/evidence.ts';
import type { PrintedRecord } from '../../support/read-topics.ts';

const topic = 't';
const NOW = 1_800_000_000_000;
const LONG_AGO = NOW - 600_000;
const record = (offset: number, key: string, value: object, headers = {}): PrintedRecord => ({
  partition: 0,
  offset,
  headers,
  key,
  value: JSON.stringify(value),
});
const range = (at: number, from: number, to: number, outcomes: object, attempt = 1) =>
  record(at, `${topic}/0`, {
    topic,
    partition: 0,
    from,
    to,
    attempt,
    ...{ scored: [], dead_letters: [], late: [], superseded: [] },
    ...outcomes,
  });
const score = (kol_id: string, offset: number, event_time_ms: number) =>
  ({ kol_id, event_time_ms, source: source(offset) }) as Score;
const streamed = (at: number, id: string, offset: number, eventTimeMs: number) =>
  record(at, id, score(id, offset, eventTimeMs));
const source = (offset: number) => ({ topic, partition: 0, offset });
const dead = (offset: number) =>
  record(
    0,
    'bad',
    {},
    {
      '__connect.errors.topic': topic,
      '__connect.errors.partition': '0',
      '__connect.errors.offset': String(offset),
    },
  );

/** Six offsets in two ranges: ana's first event gives way to her second, 3 is unreadable, 4 is late. */
const sound = {
  topic,
  input: [
    { partition: 0, offset: 0, id: 'ana', eventTimeMs: NOW },
    { partition: 0, offset: 1, id: 'ana', eventTimeMs: NOW + 1 },
    { partition: 0, offset: 2, id: 'bea', eventTimeMs: NOW },
    { partition: 0, offset: 3, id: null, eventTimeMs: NOW },
    { partition: 0, offset: 4, id: 'bea', eventTimeMs: LONG_AGO },
    { partition: 0, offset: 5, id: 'ana', eventTimeMs: NOW + 2 },
  ],
  ledger: [
    range(0, 0, 3, { scored: [[1, 2]], superseded: [[0, 0]] }),
    range(2, 3, 6, { scored: [[5, 5]], dead_letters: [[3, 3]], late: [[4, 4]] }, 2),
  ] as const,
  scores: [
    streamed(0, 'ana', 1, NOW + 1),
    streamed(1, 'bea', 2, NOW),
    streamed(3, 'ana', 5, NOW + 2),
  ] as const,
  deadLetters: [dead(3)],
  cached: new Map([
    ['ana', source(5)],
    ['bea', source(2)],
  ]),
} satisfies Evidence;
const [firstRange, secondRange] = sound.ledger;
const [anaFirst, bea, anaLast] = sound.scores;
const complaintsOf = (change: Partial<Evidence>) =>
  checkAccounting({ ...sound, ...change }).violations.map((sentence) => sentence.replace(/: .*/, ''));
const withCached = (id: string, offset: number) => new Map(sound.cached).set(id, source(offset));

test('videos give nothing to the stream', () => {
  expect(complaintsOf({ scores: null })).toEqual([]);
  expect(complaintsOf({ scores: [] })).not.toEqual([]);
});

test('a sound run is found sound, and counted', () => {
  expect(checkAccounting(sound)).toEqual({
    violations: [],
    input: 6,
    ranges: 2,
    retried: 1,
    counts: { scored: 3, dead_letters: 1, late: 1, superseded: 1 },
  });
});

describe('the checker complains of', () => {
  test.each<[string, Partial<Evidence>, string]>([
    ['a range that was never committed', { ledger: [firstRange] }, 'lost'],
    ['a gap between ranges', { ledger: [secondRange] }, 'gap between ranges'],
    [
      'a range committed twice',
      { ledger: [firstRange, { ...firstRange, offset: 1 }, secondRange] },
      'range overlaps an earlier one',
    ],
    [
      'an offset in two lists',
      { ledger: [range(0, 0, 3, { scored: [[0, 2]], superseded: [[0, 0]] }), secondRange] },
      'offset with two outcomes',
    ],
    [
      'an offset that the ledger passes over',
      { ledger: [range(0, 0, 3, { scored: [[1, 2]] }), secondRange] },
      'lost',
    ],
    [
      'an outcome outside its range',
      { ledger: [firstRange, range(2, 3, 5, { scored: [[5, 5]], dead_letters: [[3, 3]], late: [[4, 4]] })] },
      'outcome outside its range',
    ],
    [
      'a doubled score',
      { scores: [...sound.scores, { ...anaLast, offset: 9 }] },
      'score twice in the stream',
    ],
    ['a missing score', { scores: [anaFirst, anaLast] }, 'score missing in the stream'],
    [
      'a score of an offset that was not scored',
      { scores: [...sound.scores, streamed(9, 'bea', 4, LONG_AGO)] },
      'score in the stream that the ledger does not have',
    ],
    [
      'a score under another key',
      { scores: [anaFirst, { ...bea, key: 'ana' }, anaLast] },
      'score of another event than its source',
    ],
    [
      'scores of a KOL out of order',
      { scores: [{ ...anaFirst, offset: 9 }, bea, anaLast] },
      'scores of a KOL out of order',
    ],
    [
      'a KOL in two partitions',
      { scores: [anaFirst, bea, { ...anaLast, partition: 1 }] },
      'KOL in two partitions of the stream',
    ],
    ['a doubled dead letter', { deadLetters: [dead(3), dead(3)] }, 'dead letter twice'],
    ['a missing dead letter', { deadLetters: [] }, 'dead letter missing'],
    ['a dead letter of a good record', { deadLetters: [dead(3), dead(5)] }, 'dead letter that the ledger'],
    [
      'a late event that was in time',
      {
        input: sound.input.map((event) => (event.offset === 4 ? { ...event, eventTimeMs: NOW } : event)),
      },
      'late although it was in time',
    ],
    [
      'a superseded event without a newer one',
      {
        input: sound.input.map((event) => (event.offset === 0 ? { ...event, eventTimeMs: NOW + 5 } : event)),
      },
      'superseded by nothing newer in its range',
    ],
    ['an older score in Redis', { cached: withCached('ana', 1) }, 'Redis has something older'],
    ['no score in Redis', { cached: new Map() }, 'nothing in Redis'],
    [
      "another KOL's score in Redis",
      { cached: withCached('bea', 5) },
      'Redis has something of no such event',
    ],
  ])('%s', (_what, change, complaint) => {
    expect(complaintsOf(change)).toContainEqual(expect.stringContaining(complaint));
  });
});
