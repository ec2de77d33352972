import type { Score } from '../entities/score.ts';
import { carriedHeaders, LEFT_OUT_HEADER, type Headers } from './dead-letter.ts';
import type { RejectedRecord } from './keep-newest.ts';

/** A Kafka record to be written. */
export interface OutputRecord {
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers: Headers;
}

/** Where a range lies in its input topic. */
export interface RangePlace {
  readonly topic: string;
  readonly partition: number;
}

/** A record of scores.stream, keyed by kol_id. */
export function scoreRecord(score: Score, latencyMs: number): OutputRecord {
  return {
    key: score.kol_id,
    value: JSON.stringify({
      kol_id: score.kol_id,
      platform: score.platform,
      timestamp: score.timestamp,
      trust_score: score.trust_score,
      trust_label: score.trust_label,
      trust_confidence: score.confidence,
      is_trustworthy: score.is_trustworthy,
      latency_ms: latencyMs,
      model_version_trust: score.model_version,
      features_from: score.features_from,
      event_time_ms: score.event_time_ms,
      source: score.source,
    }),
    headers: {},
  };
}

/** A record of the input, bytes as they are in the log. */
interface OriginalRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, unknown>>;
}

/**
 * A dead letter: key, value and headers byte for byte (but for what `carriedHeaders` says), and why, under the header names that
 * Kafka Connect gives (Connect's ErrorReporter writes all values as UTF-8 text).
 */
export const deadLetterRecord = (
  place: RangePlace,
  { key, value, headers }: OriginalRecord,
  rejected: RejectedRecord,
): OutputRecord => ({
  key,
  value,
  headers: { ...carriedHeaders(headers), ...errorHeaders(place, rejected) },
});

/** Of the key this much is kept without the rest. */
const BARE_KEY_BYTES = 1024;

/** A dead letter that its topic would not take as a whole: without value and headers, which are where the record was. */
export const bareDeadLetterRecord = (
  place: RangePlace,
  { key, value }: OriginalRecord,
  rejected: RejectedRecord,
): OutputRecord => ({
  key: key !== null && key.length <= BARE_KEY_BYTES ? key : null,
  value: null,
  headers: { ...errorHeaders(place, rejected), [LEFT_OUT_HEADER]: String(value?.length ?? 0) },
});

function errorHeaders(place: RangePlace, { offset, reason, detail }: RejectedRecord): Headers {
  const why = {
    topic: place.topic,
    partition: String(place.partition),
    offset: String(offset),
    'connector.name': 'kol-scoring',
    'task.id': String(place.partition),
    stage: reason === 'rejected_by_model' ? 'TRANSFORMATION' : 'VALUE_CONVERTER',
    'class.name': `kol-scoring/${place.topic}`,
    'exception.class.name': reason,
    'exception.message': detail,
    'exception.stacktrace': `${reason}: ${detail}`,
  };
  return Object.fromEntries(Object.entries(why).map(([name, value]) => [`__connect.errors.${name}`, value]));
}

/** Milliseconds of each step of a range that was taken. */
export type Phases = Readonly<Partial<Record<'fence' | 'read' | 'features' | 'model' | 'cache', number>>>;

/** The ledger's account of a range: each offset that held a record is in exactly one list or is a score. */
export function ledgerRecord(
  place: RangePlace & { readonly from: number; readonly to: number },
  outcome: {
    readonly scored: readonly number[];
    readonly late: readonly number[];
    readonly superseded: readonly number[];
    readonly deadLettered: readonly number[];
  },
  about: {
    readonly worker: string;
    readonly attempt: number;
    readonly modelVersion: string | null;
    readonly phases: Phases;
  },
): OutputRecord {
  return {
    key: `${place.topic}/${place.partition}`,
    value: JSON.stringify({
      topic: place.topic,
      partition: place.partition,
      from: place.from,
      to: place.to,
      scored: spans(outcome.scored),
      dead_letters: spans(outcome.deadLettered),
      late: spans(outcome.late),
      superseded: spans(outcome.superseded),
      model_version: about.modelVersion,
      worker: about.worker,
      attempt: about.attempt,
      phases_ms: about.phases,
    }),
    headers: {},
  };
}

/** Offsets in ascending order as `[first, last]` spans: [1,2,3,7] → [[1,3],[7,7]]. A thousand offsets stay a few bytes. */
export function spans(offsets: readonly number[]): [number, number][] {
  const all: [number, number][] = [];
  for (const offset of [...offsets].sort((a, b) => a - b)) {
    const last = all.at(-1);
    if (last !== undefined && offset === last[1] + 1) last[1] = offset;
    else all.push([offset, offset]);
  }
  return all;
}
