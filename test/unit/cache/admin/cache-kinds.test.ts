import { describe, expect, test } from 'vitest';
import { kindOfKey } from '../../../../cache/admin/cache-kinds.ts';
import { internalKeys, publicKeys } from '../../../../docs/generate/cache-keys.ts';
import { fenceKey } from '../../../../cache/writing/read-fence.ts';
import { profile } from '../../../../domain/entities/profile.ts';
import { trending } from '../../../../domain/entities/trending.ts';
import { stagingKey } from '../../../../cache/writing/staging-key.ts';

describe('the kind of a key', () => {
  test.each(
    [...publicKeys, ...internalKeys]
      .filter(({ pattern }) => !pattern.includes(':next:'))
      .map(({ entity, sample }) => [sample.key, entity.replaceAll('-', '_')] as const),
  )('of %s is %s', (key, kind) => {
    expect(kindOfKey(key)).toBe(kind);
  });

  test.each([
    ...['api:rate:192.0.2.1', stagingKey('kol:top:followers:all:100', 'w'), 'another'],
    ...[trending.key('all'), trending.heatKey('all'), profile.key('zoe'), profile.key('a{b')].map(fenceKey),
  ])('of %s, which holds nothing of the cache, is other', (key) => {
    expect(kindOfKey(key)).toBe('other');
  });

  test('of an id that ends like a fence is the kind of the id', () => {
    expect(kindOfKey(profile.key('{zoe}:read-at'))).toBe('profile');
  });
});
