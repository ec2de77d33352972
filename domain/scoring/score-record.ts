import type { Score } from '../entities/score.ts';
import type { OutputRecord } from './output-record.ts';

/**
 * A record of scores.stream, keyed by kol_id.
 * @param latencyMs from the event to its score; less than 0 when the scraper's clock is ahead, which becomes 0
 * @param negativeCounts fields of the event whose counts were negative, so unknown
 */
export const scoreRecord = (
  score: Score,
  latencyMs: number,
  negativeCounts: readonly string[],
): OutputRecord => ({
  key: score.kol_id,
  value: JSON.stringify({
    kol_id: score.kol_id,
    platform: score.platform,
    timestamp: score.timestamp,
    trust_score: score.trust_score,
    trust_label: score.trust_label,
    trust_confidence: score.confidence,
    is_trustworthy: score.is_trustworthy,
    latency_ms: Math.max(0, latencyMs),
    model_version_trust: score.model_version,
    features_from: score.features_from,
    event_time_ms: score.event_time_ms,
    source: score.source,
    negative_counts: negativeCounts,
  }),
  headers: {},
});
