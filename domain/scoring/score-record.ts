import type { Score } from '../entities/score.ts';
import type { RecordLocation } from '../kafka-location.ts';
import type { OutputRecord } from './output-record.ts';

/**
 * A record of scores.stream, keyed by kol_id.
 * @param latencyMs from the event to its score; less than 0 when the scraper's clock is ahead, which becomes 0
 * @param late whether the event was behind the watermark of its partition
 * @param negativeCounts fields of the event whose counts were negative, so unknown
 */
export const scoreRecord = (
  score: Score,
  {
    latencyMs,
    late,
    negativeCounts,
  }: { readonly latencyMs: number; readonly late: boolean; readonly negativeCounts: readonly string[] },
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
    late,
    model_version_trust: score.model_version,
    features_from: score.features_from,
    event_time_ms: score.event_time_ms,
    source: score.source && locationOf(score.source),
    negative_counts: negativeCounts,
  }),
  headers: {},
});

/** Without the time of the fence, which matters to the cache only. */
const locationOf = ({ topic, partition, offset }: RecordLocation): RecordLocation => ({
  topic,
  partition,
  offset,
});
