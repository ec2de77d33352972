import { expect, test } from 'vitest';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import type { CacheEntry } from '../../../domain/schema/entry.ts';
import { idsOf } from '../../support/cache-values.ts';
import { useOwnRedis } from '../../support/run-activity.ts';

const redis = await useOwnRedis();

test('a single Redis frees a large set that is replaced in the background, so that no other client waits', async () => {
  /** Objects that were given to the background, whether it has freed them yet or not. */
  const freed = async () => {
    const memory = await redis.info('memory');
    const numberOf = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(memory)?.[1]);
    return numberOf('lazyfreed_objects') + numberOf('lazyfree_pending_objects');
  };
  const setOf = (score: number): CacheEntry => ({
    ...{ key: 'test:zset', ttlSeconds: 100, type: 'zset' },
    members: idsOf(5000).map((id) => [id, score] as const),
  });
  await replaceSet(redis, setOf(1), 1);
  const before = await freed();
  await replaceSet(redis, setOf(2), 2);
  expect(await freed()).toBe(before + 1);
  expect(await redis.zcount('test:zset', 2, 2)).toBe(5000);
  expect(await redis.ttl('test:zset')).toBeGreaterThan(0);
});
