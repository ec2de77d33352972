import { expect, test } from 'vitest';
import { sampleScore } from '../../../../docs/generate/samples.ts';
import { scoreRecord } from '../../../../domain/scoring/output-record.ts';

const record = (latencyMs: number, negativeCounts: string[] = [], late = false) =>
  JSON.parse(String(scoreRecord(sampleScore, { latencyMs, late, negativeCounts }).value)) as Record<
    string,
    unknown
  >;

test('the latency is never negative, even when the clock of the scraper is ahead', () => {
  expect(record(850)).toMatchObject({ latency_ms: 850 });
  expect(record(-299_000)).toMatchObject({ latency_ms: 0 });
});

test('the source is the location of the event, without what only the cache needs', () => {
  const { source } = sampleScore;
  expect(source).toHaveProperty('fenced_at_ms');
  expect(record(1)['source']).toEqual({ topic: source?.topic, partition: 3, offset: 1042 });
});

test('counts that were negative are noted', () => {
  expect(record(1)).toMatchObject({ negative_counts: [] });
  expect(record(1, ['post_count'])).toMatchObject({ negative_counts: ['post_count'] });
});

test('a late event is marked', () => {
  expect(record(1)).toMatchObject({ late: false });
  expect(record(1, [], true)).toMatchObject({ late: true });
});
