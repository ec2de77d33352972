import { z } from 'zod';

const count = z.int().min(0);

/** Features of a profile. All are required; unknown fields are ignored. */
export const featuresSchema = z.object({
  kol_id: z.string().min(1),
  followers_count: count,
  following_count: count,
  post_count: count,
  favorites_count: count,
  account_age_days: z.int().min(1),
  verified: z.boolean(),
  has_bio: z.boolean(),
  has_url: z.boolean(),
  has_profile_image: z.boolean(),
  bio_length: count,
});
export type Features = z.infer<typeof featuresSchema>;

export type RiskLevel = 'low' | 'moderate' | 'elevated' | 'high';

/** The model's prediction for a profile. */
interface TrustPrediction {
  /** 0 (fake) to 100 (genuine), two decimals. */
  readonly trust_score: number;
  /** trust_score ≥ 50. */
  readonly is_trustworthy: boolean;
  /** 0 to 1, four decimals. This model gives 0.5 to 1: the probability of the predicted class. */
  readonly confidence: number;
  readonly risk_level: RiskLevel;
}

export const MODEL_VERSION = 'reference-logistic-1';

/**
 * Weights of the logistic model: each adds to the log-odds that a profile is genuine. Log-odds of 0 give a score of 50, +2.2 gives 90,
 * -2.2 gives 10. Counts enter as logarithms, so that every factor of ten has the same effect.
 */
const WEIGHTS = {
  /** An unverified account that is one year old, with an empty profile and no followers. */
  intercept: -2.6,
  /** The platform has verified the identity. */
  verified: 2.4,
  has_bio: 0.5,
  has_url: 0.3,
  /** Mass-created accounts keep the default picture. */
  has_profile_image: 0.8,
  /** Per 100 characters of biography, up to 200 characters. */
  bio_per_100: 0.25,
  /** Per factor of ten in followers, up to ten million. */
  followers_log10: 0.45,
  /** Per factor of ten by which the account follows more accounts than it has followers: follow-back farming. */
  follows_more_log10: -0.9,
  /** Per factor of two in age relative to one year, from 1/8 of a year to 16 years. */
  age_log2: 0.35,
  /** Per factor of ten above 50 posts per day: no person writes that much. */
  flooding_log10: -1.6,
  /** Per factor of ten in favorites, up to 10,000: a person also reads. */
  favorites_log10: 0.12,
} as const;

/** @returns the prediction; deterministic */
export function predictTrust(features: Features): TrustPrediction {
  const probability = 1 / (1 + Math.exp(-logOdds(features)));
  const trust_score = round(100 * probability, 2);
  return {
    trust_score,
    is_trustworthy: trust_score >= 50,
    confidence: round(0.5 + Math.abs(probability - 0.5), 4),
    risk_level: riskLevel(trust_score),
  };
}

/** @param trustScore 0 to 100 */
export function riskLevel(trustScore: number): RiskLevel {
  if (trustScore >= 80) return 'low';
  if (trustScore >= 60) return 'moderate';
  if (trustScore >= 40) return 'elevated';
  return 'high';
}

function logOdds(features: Features): number {
  const weights = WEIGHTS;
  const postsPerDay = features.post_count / features.account_age_days;
  const followsMore = (1 + features.following_count) / (1 + features.followers_count);
  return (
    weights.intercept +
    weights.verified * Number(features.verified) +
    weights.has_bio * Number(features.has_bio) +
    weights.has_url * Number(features.has_url) +
    weights.has_profile_image * Number(features.has_profile_image) +
    weights.bio_per_100 * (clamp(features.bio_length, 0, 200) / 100) +
    weights.followers_log10 * clamp(Math.log10(1 + features.followers_count), 0, 7) +
    weights.follows_more_log10 * clamp(Math.log10(followsMore), 0, 4) +
    weights.age_log2 * clamp(Math.log2(features.account_age_days / 365), -3, 4) +
    weights.flooding_log10 * clamp(Math.log10(postsPerDay / 50), 0, 4) +
    weights.favorites_log10 * clamp(Math.log10(1 + features.favorites_count), 0, 4)
  );
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));
const round = (value: number, decimals: number) => Number(value.toFixed(decimals));
