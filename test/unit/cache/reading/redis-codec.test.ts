import { describe, expect, test } from 'vitest';
import { hashCodec, listCodec, stringCodec, zsetCodec } from '../../../../cache/reading/redis-codec.ts';
import { FieldError } from '../../../../domain/schema/field.ts';
import { platformStats } from '../../../../domain/entities/stats.ts';
import { profile } from '../../../../domain/entities/profile.ts';
import { score } from '../../../../domain/entities/score.ts';

describe('what Redis holds becomes a value, or is told apart from one', () => {
  const hash = hashCodec(profile.fromHash);
  const text = stringCodec(score.fromString);
  const zset = zsetCodec((members) => members);

  test('a key that is not there is null in every form', () => {
    expect(hash.decode({})).toBeNull();
    expect(text.decode(null)).toBeNull();
    expect(zset.decode([])).toBeNull();
    expect(listCodec((items) => items).decode([])).toBeNull();
  });

  test('hash fields have the types of the entity; "" and a missing field are unknown', () => {
    const decoded = hash.decode({ kol_id: '007', followers_count: '11300', verified: 'true', bio: '' });
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
  ])('the hash %o is no profile', (fields) => {
    expect(() => hash.decode(fields)).toThrow(FieldError);
  });

  test.each(['', 'null', '7', '"a"', '[]', '{}', '{"kol_id":"a"}', '{"kol_id":1,"trust_score":2}'])(
    'the text %o is no score',
    (json) => {
      expect(() => text.decode(json)).toThrow();
    },
  );

  test('statistics that are no numbers are refused; platforms are found by their fields', () => {
    const stats = hashCodec(platformStats.fromHash);
    expect(() => stats.decode({ total_kols: 'many' })).toThrow(FieldError);
    expect(stats.decode({ total_kols: '3', kols_tiktok: '2', content_tiktok: '5' })).toMatchObject({
      total_kols: 3,
      by_platform: { tiktok: { kols: 2, content: 5 } },
    });
  });

  test('set members keep their order and are text; scores are numbers', () => {
    expect(zset.decode(['9007199254740993', '1e3', 'b', '0.25'])).toEqual([
      ['9007199254740993', 1000],
      ['b', 0.25],
    ]);
    expect(() => zset.decode(['a', 'inf'])).toThrow(FieldError);
  });
});
