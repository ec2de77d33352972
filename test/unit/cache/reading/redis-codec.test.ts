import { describe, expect, test } from 'vitest';
import { hashCodec, listCodec, stringCodec, zsetCodec } from '../../../../cache/reading/redis-codec.ts';
import { FieldError } from '../../../../domain/schema/field.ts';
import { platformStats } from '../../../../domain/entities/platform-stats.ts';
import { profile } from '../../../../domain/entities/profile.ts';
import { score } from '../../../../domain/entities/score.ts';

describe('Redis codecs', () => {
  const profileCodec = hashCodec(profile);
  const scoreCodec = stringCodec(score.fromString, ({ timestamp }) => timestamp);
  const emptyProfile = Object.fromEntries(profile.requiredFields.map((field) => [field, '']));
  const totals = Object.fromEntries(platformStats.requiredFields.map((field) => [field, '0']));
  const membersCodec = zsetCodec((members) => members);

  test('decodes a key that does not exist as null, for every Redis type', () => {
    expect(profileCodec.decode({})).toBeNull();
    expect(scoreCodec.decode(null)).toBeNull();
    expect(membersCodec.decode([])).toBeNull();
    expect(listCodec((items) => items).decode([])).toBeNull();
  });

  test('decodes hash fields to the types of the entity; an empty field is null', () => {
    const decoded = profileCodec.decode({
      ...emptyProfile,
      kol_id: '007',
      followers_count: '11300',
      verified: 'true',
      bio: '',
    });
    expect(decoded).toMatchObject({
      kol_id: '007',
      followers_count: 11300,
      verified: true,
      bio: null,
      post_count: null,
    });
  });

  test.each([
    { kol_id: '' },
    { cached_at: 'now' },
    { kol_id: 'a', followers_count: '1.5K' },
    { kol_id: 'a', verified: 'yes' },
  ])('refuses the hash %o, which is not a profile', (fields) => {
    expect(() => profileCodec.decode({ ...emptyProfile, ...fields })).toThrow(FieldError);
  });

  test.each(profile.requiredFields)('refuses a profile without the field %s', (field) => {
    const { [field]: _, ...others } = { ...emptyProfile, kol_id: 'a' } as Record<string, string>;
    expect(() => profileCodec.decode(others)).toThrow(`no field ${field}`);
  });

  test('returns when a value was read from its source, if the value contains it', () => {
    const time = '2026-03-01T12:00:00Z';
    expect(profileCodec.updatedAt({ cached_at: time }, profile.fromHash({ kol_id: 'a' }))).toBe(time);
    expect(membersCodec.updatedAt(['a', '1'], [['a', 1]])).toBeUndefined();
  });

  test.each(['', 'null', '7', '"a"', '[]', '{}', '{"kol_id":"a"}', '{"kol_id":1,"trust_score":2}'])(
    'refuses the text %o, which is not a score',
    (json) => {
      expect(() => scoreCodec.decode(json)).toThrow();
    },
  );

  test('refuses statistics that are not numbers, and finds platforms by their field names', () => {
    const statsCodec = hashCodec(platformStats);
    expect(() => statsCodec.decode({ ...totals, total_kols: 'many' })).toThrow(FieldError);
    expect(() => statsCodec.decode({ total_kols: '3' })).toThrow('no field');
    expect(
      statsCodec.decode({ ...totals, total_kols: '3', kols_tiktok: '2', content_tiktok: '5' }),
    ).toMatchObject({
      total_kols: 3,
      by_platform: { tiktok: { kols: 2, content: 5 } },
    });
  });

  test('decodes sorted set members in their order, as text, with scores as numbers', () => {
    expect(membersCodec.decode(['9007199254740993', '1e3', 'b', '0.25'])).toEqual([
      ['9007199254740993', 1000],
      ['b', 0.25],
    ]);
    expect(() => membersCodec.decode(['a', 'inf'])).toThrow(FieldError);
  });
});
