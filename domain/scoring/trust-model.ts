import type { RiskLevel, Score } from '../entities/score.ts';
import { parseFields, type OnInvalid, type ValueOf } from '../schema/field.ts';
import { silver } from '../schema/silver-tables.ts';
import type { Row } from '../schema/table-entity.ts';
import { isBlank, isPlatform } from '../values/text-ids.ts';
import type { ProfileEvent } from './parse-profile-event.ts';

/** `processed_at` only chooses between several rows of an account. */
const { processed_at: _, ...columns } = silver.kol_trust_features;

/** Columns of kol_trust_features in the order that `trustFeaturesFromRow` expects. */
export const trustFeatureColumns = Object.keys(columns) as (keyof typeof columns)[];

const fields = Object.fromEntries(trustFeatureColumns.map((name) => [name, columns[name].field])) as {
  readonly [Name in keyof typeof columns]: (typeof columns)[Name]['field'];
};

/** Features of a KOL in the lakehouse; null means unknown. */
export type TrustFeatures = ValueOf<typeof fields>;

/** A cell that is not valid is unknown and reported. @throws FieldError when it is the id */
export const trustFeaturesFromRow = (row: Row, onInvalid: OnInvalid = () => {}): TrustFeatures =>
  parseFields(
    fields,
    Object.fromEntries(trustFeatureColumns.map((name, index) => [name, row[index] ?? null])),
    onInvalid,
  );

/** Sent to the model when the age of the account is unknown. */
const UNKNOWN_ACCOUNT_AGE_DAYS = 365;

/**
 * The features that the lakehouse has of the account of an event. The same name on another platform is another account. For an event
 * without a platform the name must have one account only: with two it is unknown which of them the event means.
 * @param sameName rows of the event's name in kol_trust_features
 */
export function featuresOfAccount(
  event: Pick<ProfileEvent, 'platform'>,
  sameName: readonly TrustFeatures[] = [],
): TrustFeatures | null {
  if (sameName.length === 0) return null; // most events: of KOLs that the lakehouse does not know
  // The lakehouse may have an account twice; the last row counts.
  const byPlatform = new Map(sameName.map((row) => [row.platform?.toLowerCase() ?? null, row]));
  const [only] = byPlatform.size === 1 ? byPlatform.values() : [];
  if (event.platform === null) return only ?? null;
  const ofUnknownPlatform = only?.platform === null ? only : null;
  return byPlatform.get(event.platform) ?? ofUnknownPlatform;
}

/** The platform of an event, else that of its KOL in the lakehouse, else `unknown`. */
export function platformOf(event: Pick<ProfileEvent, 'platform'>, known: TrustFeatures | null): string {
  const platform = event.platform ?? known?.platform?.toLowerCase();
  return platform !== undefined && isPlatform(platform) ? platform : 'unknown';
}

/**
 * Features of a KOL. Values of the event win; values that it does not have come from the lakehouse.
 * @param event only the id on the cold path, which has no event
 * @param known features of this account in kol_trust_features; null when it has none or Trino did not answer in time
 */
export function buildFeatures(
  event: Pick<ProfileEvent, 'kol_id'> & Partial<ProfileEvent>,
  known: TrustFeatures | null,
) {
  const { bio, profile_url: url, avatar_url: image } = event;
  return {
    kol_id: event.kol_id,
    followers_count: event.followers_count ?? known?.followers_count ?? 0,
    following_count: event.following_count ?? known?.following_count ?? 0,
    post_count: event.post_count ?? known?.post_count ?? 0,
    favorites_count: event.favorites_count ?? known?.favorites_count ?? 0,
    account_age_days: Math.max(1, known?.account_age_days ?? UNKNOWN_ACCOUNT_AGE_DAYS),
    verified: event.verified ?? known?.verified ?? false,
    has_bio: bio == null ? (known?.has_bio ?? false) : bio.length > 0,
    has_url: url == null ? (known?.has_url ?? false) : !isBlank(url),
    has_profile_image: image == null ? (known?.has_profile_image ?? false) : !isBlank(image),
    bio_length: bio == null ? (known?.bio_length ?? 0) : codePoints(bio),
  };
}

/** Request of the trust score model (docs/contract.md): integers ≥ 0, account age ≥ 1 day. */
export type ModelFeatures = Readonly<ReturnType<typeof buildFeatures>>;

/** Characters as people count them: an emoji is one, though it takes two UTF-16 code units. */
function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

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
