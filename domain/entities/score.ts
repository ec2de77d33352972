import type { EventSource } from '../kafka-location.ts';
import type { CacheEntry } from '../schema/entry.ts';
import { FieldError } from '../schema/field.ts';

/** Risk levels by trust score: low ≥ 80, moderate ≥ 60, elevated ≥ 40, high below. */
export const riskLevels = ['low', 'moderate', 'elevated', 'high'] as const;
export type RiskLevel = (typeof riskLevels)[number];

/** The sources of the features that a score was computed from. */
const featureSources = ['event', 'event+lakehouse', 'lakehouse'] as const;
type FeaturesFrom = (typeof featureSources)[number];

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

const isText = (value: unknown): boolean => typeof value === 'string';
const isUpTo = (max: number) => (value: unknown) => typeof value === 'number' && value >= 0 && value <= max;
const isOneOf = (values: readonly unknown[]) => (value: unknown) => values.includes(value);
const orNull = (isValid: (value: unknown) => boolean) => (value: unknown) => value === null || isValid(value);
const isSource = (value: unknown): boolean => {
  const { topic, partition, offset } = Object(value) as Partial<Record<keyof EventSource, unknown>>;
  return isText(topic) && Number.isSafeInteger(partition) && Number.isSafeInteger(offset);
};

/** The valid values of each field of a score. */
const fieldChecks: Readonly<Record<keyof Score, (value: unknown) => boolean>> = {
  kol_id: isText,
  platform: orNull(isText),
  trust_score: isUpTo(100),
  trust_label: isOneOf(riskLevels),
  risk_level: isOneOf(riskLevels),
  is_trustworthy: isOneOf([true, false]),
  confidence: isUpTo(1),
  model_version: isText,
  timestamp: isText,
  event_time_ms: orNull(Number.isFinite),
  source: orNull(isSource),
  features_from: isOneOf(featureSources),
};

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
    const given = Object(JSON.parse(json)) as Readonly<Record<string, unknown>>;
    const known = Object.entries(fieldChecks).filter(
      ([name]) => given[name] !== undefined || name === 'kol_id' || name === 'trust_score',
    );
    if (!known.every(([name, isValid]) => isValid(given[name]))) throw new FieldError(json, 'a score');
    return Object.fromEntries(known.map(([name]) => [name, given[name]])) as unknown as Score;
  },
};
