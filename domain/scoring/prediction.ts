import type { RiskLevel, Score } from '../entities/score.ts';

/** The model's answer for one KOL (docs/contract.md). */
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

/** Builds the score to cache and publish from a prediction and its input. */
export const buildScore = (
  prediction: Prediction,
  input: Pick<Score, 'platform' | 'event_time_ms' | 'source' | 'features_from'>,
): Score => ({
  kol_id: prediction.kol_id,
  platform: input.platform,
  trust_score: prediction.trust_score,
  trust_label: prediction.risk_level,
  risk_level: prediction.risk_level,
  is_trustworthy: prediction.is_trustworthy,
  confidence: prediction.confidence,
  model_version: prediction.model_version,
  timestamp: prediction.timestamp,
  event_time_ms: input.event_time_ms,
  source: input.source,
  features_from: input.features_from,
});
