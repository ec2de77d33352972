import type { Score } from '../entities/score.ts';
import type { OffsetRange } from '../kafka-location.ts';
import type { OutputRecord } from '../kafka-record.ts';
import { outcomesIn, type Outcomes } from './keep-newest.ts';

/** The output topic of scores (docs/contract.md). */
export const SCORES_TOPIC = 'scores.stream';
/** One record for each committed micro-batch, with the outcome of every offset in it. */
export const LEDGER_TOPIC = 'kol.scoring.ledger';
export const deadLetterTopic = (topic: string): string => `${topic}.dlq`;

/**
 * A record of scores.stream, keyed by kol_id.
 * @param note `latencyMs`: from the event to its score; less than 0 when the scraper's clock is ahead, which becomes 0
 * `late`: whether the event was behind the watermark of its partition
 * `negativeCounts`: fields of the event whose counts were negative, so unknown
 */
export const scoreRecord = (
  score: Score,
  note: { readonly latencyMs: number; readonly late: boolean; readonly negativeCounts: readonly string[] },
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
    latency_ms: Math.max(0, note.latencyMs),
    late: note.late,
    model_version_trust: score.model_version,
    features_from: score.features_from,
    event_time_ms: score.event_time_ms,
    // The time of the fence matters to the cache only.
    source: score.source && { ...score.source, fenced_at_ms: undefined },
    negative_counts: note.negativeCounts,
  }),
  headers: {},
});

/** Milliseconds of each step of a micro-batch that ran. */
export type Phases = Partial<Record<'read' | 'features' | 'model' | 'cache', number>>;

/** Who committed a micro-batch, and how. */
export interface LedgerNote {
  readonly worker: string;
  readonly attempt: number;
  readonly modelVersion: string | null;
  readonly phases: Phases;
}

/**
 * The ledger's record of a committed micro-batch, or of a part of it.
 * @param outcomes of all offsets of the batch; those outside the range are left out
 */
export function ledgerRecord(range: OffsetRange, outcomes: Outcomes, note: LedgerNote): OutputRecord {
  const { topic, partition, from, to } = range;
  const { scored, deadLetters, superseded, dropped } = outcomesIn(range, outcomes);
  return {
    key: `${topic}/${partition}`,
    value: JSON.stringify({
      topic,
      partition,
      from,
      to,
      scored: offsetSpans(scored),
      dead_letters: offsetSpans(deadLetters.map(({ record }) => record.offset)),
      superseded: offsetSpans(superseded),
      dropped: offsetSpans(dropped),
      model_version: note.modelVersion,
      worker: note.worker,
      attempt: note.attempt,
      phases_ms: note.phases,
    }),
    headers: {},
  };
}

/** Offsets in ascending order as `[first, last]` spans: [1,2,3,7] → [[1,3],[7,7]]. A thousand offsets take a few bytes. */
function offsetSpans(offsets: readonly number[]): [number, number][] {
  const spans: [number, number][] = [];
  for (const offset of [...offsets].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && offset === last[1] + 1) last[1] = offset;
    else spans.push([offset, offset]);
  }
  return spans;
}
