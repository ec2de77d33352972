import { z } from 'zod';

const count = z.int().min(0);

/** What the model knows of a profile. Unknown fields are ignored, known ones must all be there. */
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

/** The model's opinion of a profile. */
export interface Judgement {
  /** 0 (fake) to 100 (genuine), two decimals. */
  readonly trust_score: number;
  /** trust_score ≥ 50. */
  readonly is_trustworthy: boolean;
  /** 0 to 1, four decimals: how far from a coin's toss the score is. */
  readonly confidence: number;
  readonly risk_level: RiskLevel;
}

export const MODEL_VERSION = 'reference-logistic-1';

/**
 * Change of the log-odds of being genuine. A log-odds of 0 is a score of 50, +2.2 one of 90, -2.2 one of 10.
 * Counts enter as logarithms, so that each factor of ten counts alike.
 */
export const COEFFICIENTS = {
  /** A nameless account of a year with nobody following it. */
  intercept: -2.6,
  /** The platform checked who it is. */
  verified: 2.4,
  has_bio: 0.5,
  has_url: 0.3,
  /** Mass-made accounts keep the default picture. */
  has_profile_image: 0.8,
  /** For each 100 characters of biography, up to 200. */
  bio_per_100: 0.25,
  /** For each factor of ten in followers, up to ten million. */
  followers_log10: 0.45,
  /** For each factor of ten by which it follows more accounts than follow it: follow-back farming. */
  follows_more_log10: -0.9,
  /** For each factor of two in age against one year, from 1/8 of it to 16 years. */
  age_log2: 0.35,
  /** For each factor of ten above 50 posts a day: no person writes that much. */
  flooding_log10: -1.6,
  /** Some favorites: it reads, too. For each factor of ten up to 10,000. */
  favorites_log10: 0.12,
} as const;

/** @returns the model's judgement; the same for the same features */
export function judge(features: Features): Judgement {
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
  const w = COEFFICIENTS;
  const postsPerDay = features.post_count / features.account_age_days;
  const followsMore = (1 + features.following_count) / (1 + features.followers_count);
  return (
    w.intercept +
    w.verified * Number(features.verified) +
    w.has_bio * Number(features.has_bio) +
    w.has_url * Number(features.has_url) +
    w.has_profile_image * Number(features.has_profile_image) +
    w.bio_per_100 * (clamp(features.bio_length, 0, 200) / 100) +
    w.followers_log10 * clamp(Math.log10(1 + features.followers_count), 0, 7) +
    w.follows_more_log10 * clamp(Math.log10(followsMore), 0, 4) +
    w.age_log2 * clamp(Math.log2(features.account_age_days / 365), -3, 4) +
    w.flooding_log10 * clamp(Math.log10(postsPerDay / 50), 0, 4) +
    w.favorites_log10 * clamp(Math.log10(1 + features.favorites_count), 0, 4)
  );
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));
const round = (value: number, decimals: number) => Number(value.toFixed(decimals));
