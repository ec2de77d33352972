import { expect, test } from 'vitest';
import { sampleScore } from '../../../../docs/generate/samples.ts';
import { scoreRecord } from '../../../../domain/scoring/score-record.ts';

const record = (latencyMs: number, negativeCounts: string[] = []) =>
  JSON.parse(String(scoreRecord(sampleScore, latencyMs, negativeCounts).value)) as Record<string, unknown>;

test('the latency is never negative, even when the clock of the scraper is ahead', () => {
  expect(record(850)).toMatchObject({ latency_ms: 850 });
  expect(record(-299_000)).toMatchObject({ latency_ms: 0 });
});

test('counts that were negative are noted', () => {
  expect(record(1)).toMatchObject({ negative_counts: [] });
  expect(record(1, ['post_count'])).toMatchObject({ negative_counts: ['post_count'] });
});
