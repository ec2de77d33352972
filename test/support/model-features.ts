import type { ModelFeatures } from '../../domain/scoring/trust-model.ts';

/** A profile that the model scores. */
export const profileOf = (kol_id: string, followers_count = 1000): ModelFeatures => ({
  kol_id,
  followers_count,
  following_count: 10,
  post_count: 20,
  favorites_count: 30,
  account_age_days: 400,
  verified: false,
  has_bio: true,
  has_url: false,
  has_profile_image: true,
  bio_length: 12,
});
