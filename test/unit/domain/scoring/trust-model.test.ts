import { describe, expect, test } from 'vitest';
import { parseProfileEvent } from '../../../../domain/scoring/parse-profile-event.ts';
import {
  buildFeatures,
  featuresOfAccount,
  platformOf,
  trustFeatureColumns,
  trustFeaturesFromRow,
} from '../../../../domain/scoring/trust-model.ts';

const NOW = Date.parse('2026-01-02T03:04:05.000Z');
function event(fields: object) {
  const value = Buffer.from(JSON.stringify({ username: 'ana', ...fields }));
  const outcome = parseProfileEvent({ value, timestampMs: NOW }, NOW);
  if (outcome.kind !== 'ok') throw new Error(outcome.detail);
  return outcome.value;
}
const features = (cells: Readonly<Record<string, string>>) =>
  trustFeaturesFromRow(
    trustFeatureColumns.map((name) => (name === 'kol_id' ? 'ana' : (cells[name] ?? null))),
  );

describe('the account that features belong to', () => {
  test('an event gets the features of its own platform only', () => {
    const twitter = features({ platform: 'Twitter' });
    const youtube = features({ platform: 'youtube' });
    for (const rows of [[twitter], [twitter, youtube], [youtube, twitter]]) {
      expect(featuresOfAccount(event({ platform: 'twitter' }), rows)).toBe(twitter);
      expect(featuresOfAccount(event({ platform: 'tiktok' }), rows)).toBeNull();
    }
    expect(featuresOfAccount(event({ platform: 'tiktok' }), undefined)).toBeNull();
  });

  test('an event without a platform gets the features of the only account of its name', () => {
    const twitter = features({ platform: 'Twitter' });
    const youtube = features({ platform: 'youtube' });
    const newer = features({ platform: 'twitter', post_count: '9' });
    expect(featuresOfAccount(event({}), [twitter])).toBe(twitter);
    expect(featuresOfAccount(event({}), [twitter, newer])).toBe(newer);
    expect(featuresOfAccount(event({}), [twitter, youtube])).toBeNull();
    expect(featuresOfAccount(event({}), [])).toBeNull();
    expect(platformOf(event({}), featuresOfAccount(event({}), [twitter, youtube]))).toBe('unknown');
  });

  test('features without a platform belong to any event of the name, if the name has no others', () => {
    const unknown = features({});
    const twitter = features({ platform: 'twitter' });
    expect(featuresOfAccount(event({ platform: 'tiktok' }), [unknown])).toBe(unknown);
    expect(featuresOfAccount(event({}), [unknown])).toBe(unknown);
    expect(featuresOfAccount(event({ platform: 'tiktok' }), [unknown, twitter])).toBeNull();
    expect(featuresOfAccount(event({ platform: 'twitter' }), [unknown, twitter])).toBe(twitter);
    expect(featuresOfAccount(event({}), [unknown, twitter])).toBeNull();
  });

  test.each([
    ['tiktok', 'twitter', 'tiktok'],
    [null, 'Twitter', 'twitter'],
    [null, '', 'unknown'],
    [null, 'not a platform', 'unknown'],
    [null, undefined, 'unknown'],
  ])('the platform of an event of %j, whose KOL is of %j, is %j', (platform, known, expected) => {
    const account = known === undefined ? null : features({ platform: known });
    expect(platformOf(event({ platform }), account)).toBe(expected);
  });
});

describe('features of a profile event', () => {
  test('a blank text in the event means that the profile has none', () => {
    const known = features({ has_bio: 'true', bio_length: '9', has_url: 'true', has_profile_image: 'true' });
    expect(buildFeatures(event({ bio: ' ', profile_url: '', avatar_url: ' ' }), known)).toMatchObject({
      ...{ has_bio: false, bio_length: 0, has_url: false, has_profile_image: false },
    });
    expect(buildFeatures(event({}), known)).toMatchObject({
      ...{ has_bio: true, bio_length: 9, has_url: true, has_profile_image: true },
    });
  });

  test('a negative count comes from the lakehouse, as a missing one does', () => {
    const known = features({ following_count: '20' });
    expect(buildFeatures(event({ following_count: -1, post_count: -1 }), known)).toMatchObject({
      following_count: 20,
      post_count: 0,
    });
  });
});
