import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  featuresSchema,
  predictTrust,
  riskLevel,
  type Features,
} from '../../../../simulators/ml-service/model.ts';

const count = fc.nat({ max: 2_000_000_000 });
const features: fc.Arbitrary<Features> = fc.record({
  kol_id: fc.string({ minLength: 1 }),
  followers_count: count,
  following_count: count,
  post_count: count,
  favorites_count: count,
  account_age_days: fc.integer({ min: 1, max: 8_000 }),
  verified: fc.boolean(),
  has_bio: fc.boolean(),
  has_url: fc.boolean(),
  has_profile_image: fc.boolean(),
  bio_length: fc.nat({ max: 500 }),
});

const genuine: Features = {
  kol_id: 'mai',
  followers_count: 250_000,
  following_count: 400,
  post_count: 3_000,
  favorites_count: 9_000,
  account_age_days: 2_500,
  verified: true,
  has_bio: true,
  has_url: true,
  has_profile_image: true,
  bio_length: 90,
};
const bot: Features = {
  kol_id: 'x93k',
  followers_count: 3,
  following_count: 4_900,
  post_count: 60_000,
  favorites_count: 0,
  account_age_days: 20,
  verified: false,
  has_bio: false,
  has_url: false,
  has_profile_image: false,
  bio_length: 0,
};
const score = (changes: Partial<Features>) =>
  predictTrust({ ...genuine, verified: false, ...changes }).trust_score;

describe('the reference trust model', () => {
  it('keeps every prediction within docs/contract.md', () => {
    fc.assert(
      fc.property(features, (profile) => {
        const { trust_score, confidence, is_trustworthy, risk_level } = predictTrust(profile);
        expect(featuresSchema.safeParse(profile).success).toBe(true);
        expect(trust_score).toBeGreaterThanOrEqual(0);
        expect(trust_score).toBeLessThanOrEqual(100);
        expect(confidence).toBeGreaterThanOrEqual(0.5);
        expect(confidence).toBeLessThanOrEqual(1);
        expect(is_trustworthy).toBe(trust_score >= 50);
        expect(risk_level).toBe(riskLevel(trust_score));
      }),
    );
  });

  it('gives the same prediction for the same profile', () => {
    fc.assert(
      fc.property(features, (profile) => {
        expect(predictTrust(profile)).toEqual(predictTrust({ ...profile }));
      }),
    );
  });

  it('trusts a public figure and distrusts a bot', () => {
    expect(predictTrust(genuine)).toMatchObject({ is_trustworthy: true, risk_level: 'low' });
    expect(predictTrust(bot)).toMatchObject({ is_trustworthy: false, risk_level: 'high' });
  });

  it('raises the score for age, followers, a biography and verification, and lowers it for flooding and follow-back farming', () => {
    expect(score({ account_age_days: 4_000 })).toBeGreaterThan(score({ account_age_days: 100 }));
    expect(score({ followers_count: 1_000_000 })).toBeGreaterThan(score({ followers_count: 1_000 }));
    expect(score({ has_bio: false, bio_length: 0 })).toBeLessThan(score({}));
    expect(score({ verified: true })).toBeGreaterThan(score({}));
    expect(score({ post_count: 2_500 * 500 })).toBeLessThan(score({}));
    expect(score({ following_count: 2_500_000 })).toBeLessThan(score({}));
  });

  it.each([
    [100, 'low'],
    [80, 'low'],
    [79.99, 'moderate'],
    [60, 'moderate'],
    [59.99, 'elevated'],
    [40, 'elevated'],
    [39.99, 'high'],
    [0, 'high'],
  ])('gives a score of %d the risk level %s', (trustScore, level) => {
    expect(riskLevel(trustScore)).toBe(level);
  });
});
