import { describe, expect, test } from 'vitest';
import { kindOfKey } from '../../../../cache/admin/cache-kinds.ts';
import { internalKeys, publicKeys } from '../../../../docs/generate/cache-keys.ts';
import { stagingKey } from '../../../../cache/writing/staging-key.ts';

describe('the kind of a key', () => {
  test.each(
    [...publicKeys, ...internalKeys]
      .filter(({ pattern }) => !pattern.includes(':next:'))
      .map(({ entity, sample }) => [sample.key, entity.replaceAll('-', '_')] as const),
  )('of %s is %s', (key, kind) => {
    expect(kindOfKey(key)).toBe(kind);
  });

  test.each(['api:rate:192.0.2.1', stagingKey('kol:top:followers:all:100', 'w'), 'another'])(
    'of %s, which is not of the cache, is other',
    (key) => {
      expect(kindOfKey(key)).toBe('other');
    },
  );
});
