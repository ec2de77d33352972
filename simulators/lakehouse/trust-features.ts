import type { GenerationContext } from './generation-context.ts';
import { logNormal, seededRandomSql } from './seeded-random-sql.ts';

/**
 * Query for kol_trust_features: one row for each Twitter profile, derived from kol_profiles so that both tables agree. Labels follow
 * the features with some noise, like labels from people.
 */
export function trustFeatureRows({ seed, referenceSeconds, schema }: GenerationContext): string {
  const { uniform, normal, chance } = seededRandomSql(seed, `'features/' || kol_id`);
  const age = `date_diff('day', from_iso8601_timestamp(account_created_at), from_unixtime(${referenceSeconds}, 'UTC'))`;
  return `SELECT kol_id, platform, username, has_profile_image, has_bio, bio_length, has_url,
  CAST(verified AS INTEGER) AS verified, followers_count, following_count, post_count, favorites_count,
  CAST(followers_count AS DOUBLE) / greatest(following_count, 1) AS followers_following_ratio,
  account_created_at, account_age_days,
  round(CAST(post_count AS DOUBLE) / account_age_days, 4) AS posts_per_day,
  NOT untrustworthy AS is_trustworthy, untrustworthy AS is_untrustworthy,
  CASE WHEN untrustworthy THEN IF(${chance('spam', 0.4)}, 'spam', 'bot')
    WHEN verified THEN 'public_figure' WHEN ${chance('brand', 0.15)} THEN 'brand' ELSE 'human' END AS account_type,
  'silver_trust_features' AS source, processed_at
FROM (
  SELECT *, ${uniform('label')} < 1 / (1 + exp(
      -2.2e0 + 1.2e0 * CAST(has_bio AS INTEGER) + 1.5e0 * CAST(has_profile_image AS INTEGER) + 3e0 * CAST(verified AS INTEGER)
      + 0.5e0 * CAST(has_url AS INTEGER) + 0.9e0 * ln(account_age_days / 365e0)
      - 0.8e0 * ln(1 + post_count / (20e0 * account_age_days)))) AS untrustworthy
  FROM (
    SELECT kol_id, platform, username, verified, followers_count, following_count, post_count, account_created_at, processed_at,
      COALESCE(description, '') <> '' AS has_bio,
      CAST(length(COALESCE(description, '')) AS BIGINT) AS bio_length,
      ${chance('image', 0.94)} AS has_profile_image,
      ${chance('url', 'IF(verified, 0.8e0, 0.35e0)')} AS has_url,
      least(${logNormal(normal('favorites'), 2500, 1.9)}, 5000000) AS favorites_count,
      -- An unknown age counts as 365 days (docs/contract.md).
      greatest(COALESCE(${age}, 365), 1) AS account_age_days
    FROM ${schema}."kol_profiles" WHERE platform = 'twitter'
  )
)`;
}
