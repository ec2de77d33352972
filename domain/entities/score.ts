import type { EventSource } from '../kafka-location.ts';
import type { CacheEntry } from '../schema/entry.ts';
import { FieldError } from '../schema/field.ts';

/** Risk levels by trust score: low ≥ 80, moderate ≥ 60, elevated ≥ 40, high below. */
export const riskLevels = ['low', 'moderate', 'elevated', 'high'] as const;
export type RiskLevel = (typeof riskLevels)[number];

/** The sources of the features that a score was computed from. */
type FeaturesFrom = 'event' | 'event+lakehouse' | 'lakehouse';

/** kol:score:{kol_id}, as JSON. */
export interface Score {
  readonly kol_id: string;
  readonly platform: string | null;
  readonly trust_score: number;
  /** The risk level under its name in scores.stream. */
  readonly trust_label: RiskLevel;
  readonly risk_level: RiskLevel;
  readonly is_trustworthy: boolean;
  readonly confidence: number;
  readonly model_version: string;
  /** When the model scored it, ISO 8601. */
  readonly timestamp: string;
  /** Time of the scored event, ms since 1970; null when the score comes from the lakehouse alone. */
  readonly event_time_ms: number | null;
  /** Location of the scored event; null when the score comes from the lakehouse alone. */
  readonly source: EventSource | null;
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
  /** @throws FieldError or SyntaxError when it is not a score; fields that older writers did not write are not required */
  fromString: (json: string): Score => {
    const value = JSON.parse(json) as Partial<Score> | null;
    if (typeof value?.kol_id !== 'string' || typeof value.trust_score !== 'number')
      throw new FieldError(json, 'a score');
    return value as Score;
  },
};
