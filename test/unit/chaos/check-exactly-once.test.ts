import { expect, test } from 'vitest';
import { checkExactlyOnce } from '../../chaos/check-exactly-once.ts';
import type { ObservedRun } from '../../chaos/observed-run.ts';
import type { PrintedRecord } from '../../support/read-topics.ts';

/** The chaos tests rest on this check, so it must notice each kind of violation. */
const topic = 't';
const NOW = 1_800_000_000_000;
const LONG_AGO = NOW - 600_000;
const location = (offset: number) => ({ topic, partition: 0, offset });
const record = (offset: number, key: string, value: object, headers = {}): PrintedRecord => ({
  partition: 0,
  offset,
  headers,
  key,
  value: JSON.stringify(value),
});
const range = (offset: number, from: number, to: number, outcomes: object, attempt = 1) =>
  record(offset, `${topic}/0`, {
    ...{ topic, partition: 0, from, to, attempt },
    ...{ scored: [], dead_letters: [], superseded: [], dropped: [] },
    ...outcomes,
  });
const score = (offset: number, id: string, sourceOffset: number, eventTimeMs: number) =>
  record(offset, id, { kol_id: id, event_time_ms: eventTimeMs, source: location(sourceOffset) });
const deadLetter = (offset: number) =>
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

/** Six offsets in two ranges: 0 is superseded by 1, 3 is unreadable, 4 is late, but scored. */
const input = [
  { partition: 0, offset: 0, id: 'ana', eventTimeMs: NOW },
  { partition: 0, offset: 1, id: 'ana', eventTimeMs: NOW + 1 },
  { partition: 0, offset: 2, id: 'bea', eventTimeMs: NOW },
  { partition: 0, offset: 3, id: null, eventTimeMs: NOW },
  { partition: 0, offset: 4, id: 'bea', eventTimeMs: LONG_AGO },
  { partition: 0, offset: 5, id: 'ana', eventTimeMs: NOW + 2 },
];
const firstRange = range(0, 0, 3, { scored: [[1, 2]], superseded: [[0, 0]] });
const secondRange = range(2, 3, 6, { scored: [[4, 5]], dead_letters: [[3, 3]] }, 2);
const [ana1, bea2, bea4, ana5] = [
  score(0, 'ana', 1, NOW + 1),
  score(1, 'bea', 2, NOW),
  score(2, 'bea', 4, LONG_AGO),
  score(3, 'ana', 5, NOW + 2),
];
const valid: ObservedRun = {
  topic,
  input,
  ledger: [firstRange, secondRange],
  scores: [ana1, bea2, bea4, ana5],
  deadLetters: [deadLetter(3)],
  cached: new Map([
    ['ana', location(5)],
    ['bea', location(2)],
  ]),
};
const withEventTime = (offset: number, eventTimeMs: number) =>
  input.map((event) => (event.offset === offset ? { ...event, eventTimeMs } : event));
const withCached = (id: string, offset: number) => new Map(valid.cached).set(id, location(offset));

test('a valid run has no violations, and its outcomes are counted', () => {
  expect(checkExactlyOnce(valid)).toEqual({
    violations: [],
    input: 6,
    ranges: 2,
    retried: 1,
    counts: { scored: 4, dead_letters: 1, superseded: 1, dropped: 0 },
  });
  expect(checkExactlyOnce({ ...valid, scores: null }).violations).toEqual([]); // videos have no stream
});

test.each<[violation: string, change: Partial<ObservedRun>]>([
  ['offset without an outcome', { ledger: [firstRange] }],
  ['offset without an outcome', { ledger: [range(0, 0, 3, { scored: [[1, 2]] }), secondRange] }],
  ['unreadable record is not a dead letter', { ledger: [firstRange, range(2, 3, 6, { scored: [[3, 5]] })] }],
  ['readable record is a dead letter', { ledger: [firstRange, range(2, 3, 6, { dead_letters: [[3, 5]] })] }],
  ['outcome of an offset that does not exist', { input: input.slice(1) }],
  [
    'late event was left out',
    { ledger: [firstRange, range(2, 3, 6, { scored: [[5, 5]], dead_letters: [[3, 3]], dropped: [[4, 4]] })] },
  ],
  ['superseded event without a newer one in its range', { input: withEventTime(0, NOW + 5) }],
  ['gap between ranges', { ledger: [secondRange] }],
  ['range overlaps an earlier one', { ledger: [firstRange, { ...firstRange, offset: 1 }, secondRange] }],
  ['empty range', { ledger: [range(-1, 0, 0, {}), firstRange, secondRange] }],
  ['ranges do not end where the input ends', { ledger: [firstRange] }],
  ['ranges of a partition without input', { input: [] }],
  [
    'offset with two outcomes',
    { ledger: [range(0, 0, 3, { scored: [[0, 2]], superseded: [[0, 0]] }), secondRange] },
  ],
  ['outcome outside its range', { ledger: [firstRange, range(2, 3, 5, { scored: [[5, 5]] })] }],
  ['score twice in the stream', { scores: [ana1, bea2, bea4, ana5, { ...ana5, offset: 9 }] }],
  ['score missing in the stream', { scores: [ana1, bea4, ana5] }],
  ['score that the ledger does not have', { scores: [ana1, bea2, bea4, ana5, score(9, 'bea', 0, NOW)] }],
  ['score does not match its source event', { scores: [ana1, { ...bea2, key: 'ana' }, bea4, ana5] }],
  ['scores of a KOL out of order', { scores: [{ ...ana1, offset: 9 }, bea2, bea4, ana5] }],
  ['KOL in two partitions of the stream', { scores: [ana1, bea2, bea4, { ...ana5, partition: 1 }] }],
  ['dead letter twice', { deadLetters: [deadLetter(3), deadLetter(3)] }],
  ['dead letter missing', { deadLetters: [] }],
  ['dead letter that the ledger does not have', { deadLetters: [deadLetter(3), deadLetter(5)] }],
  ['no value in Redis', { cached: new Map() }],
  ['value in Redis is too old', { cached: withCached('ana', 1) }],
  [
    'value in Redis is newer than every score',
    { ledger: [firstRange, range(2, 3, 6, { dead_letters: [[3, 5]] })] },
  ],
  ['value in Redis does not match its source event', { cached: withCached('bea', 5) }],
])('reports: %s', (violation, change) => {
  const { violations } = checkExactlyOnce({ ...valid, ...change });
  expect(violations).toContainEqual(expect.stringMatching(new RegExp(`^${violation}: `)));
});
