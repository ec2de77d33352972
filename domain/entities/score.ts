import type { FeaturesFrom } from '../scoring/model-features.ts';
import type { CacheEntry } from '../schema/entry.ts';
import { FieldError } from '../schema/field.ts';

/** Risk levels by trust score: low ≥ 80, moderate ≥ 60, elevated ≥ 40, high below. */
export const riskLevels = ['low', 'moderate', 'elevated', 'high'] as const;
export type RiskLevel = (typeof riskLevels)[number];

/** The model's answer for one KOL (domain.md, hot path). */
export interface Prediction {
  readonly kol_id: string;
  /** 0–100 */
  readonly trust_score: number;
  readonly is_trustworthy: boolean;
  /** 0–1 */
  readonly confidence: number;
  readonly risk_level: RiskLevel;
  readonly prediction_source: string;
  readonly model_version: string;
  readonly timestamp: string;
}

/** kol:score:{kol_id}, as JSON. */
export interface Score {
  readonly kol_id: string;
  readonly platform: string | null;
  readonly trust_score: number;
  /** The risk level, under the name that scores.stream gives it. */
  readonly trust_label: RiskLevel;
  readonly risk_level: RiskLevel;
  readonly is_trustworthy: boolean;
  readonly confidence: number;
  readonly model_version: string;
  /** When it was scored. */
  readonly timestamp: string;
  /** Event time and place of the event it was made of; null for one made from the lakehouse alone. */
  readonly event_time_ms: number | null;
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: number } | null;
  readonly features_from: FeaturesFrom;
}

export const score = {
  name: 'score',
  ttlSeconds: 3600,
  key: (kolId: string) => `kol:score:${kolId}`,
  toEntry: (value: Score): CacheEntry => ({
    key: score.key(value.kol_id),
    ttlSeconds: score.ttlSeconds,
    type: 'string',
    value: JSON.stringify(value),
  }),
  /** @throws FieldError or SyntaxError when it is no score; fields that older writers lack are not asked for */
  fromString: (json: string): Score => {
    const value = JSON.parse(json) as Partial<Score> | null;
    if (typeof value?.kol_id !== 'string' || typeof value.trust_score !== 'number')
      throw new FieldError(json, 'a score');
    return value as Score;
  },
};

/** A score made of a prediction. */
export const scoreOf = (
  prediction: Prediction,
  made: Pick<Score, 'platform' | 'event_time_ms' | 'source' | 'features_from'>,
): Score => ({
  kol_id: prediction.kol_id,
  platform: made.platform,
  trust_score: prediction.trust_score,
  trust_label: prediction.risk_level,
  risk_level: prediction.risk_level,
  is_trustworthy: prediction.is_trustworthy,
  confidence: prediction.confidence,
  model_version: prediction.model_version,
  timestamp: prediction.timestamp,
  event_time_ms: made.event_time_ms,
  source: made.source,
  features_from: made.features_from,
});
