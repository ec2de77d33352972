import { Cluster } from 'ioredis';
import { isFence } from '../../cache/writing/read-fence.ts';
import { cachedFiles } from '../../domain/entities/cached-files.ts';
import { hotIds } from '../../domain/entities/hot-ids.ts';
import type { RedisClient } from '../../clients/redis.ts';

/** Every key of the database, or of all masters of a cluster, except fences, lists of files and hot ids: those are not cached values. */
export const allKeys = async (redis: RedisClient): Promise<string[]> =>
  (await everyKey(redis)).filter(
    (key) => !isFence(key) && !key.startsWith(cachedFiles.key('')) && key !== hotIds.key,
  );

async function everyKey(redis: RedisClient): Promise<string[]> {
  const keys: string[] = [];
  for (const node of redis instanceof Cluster ? redis.nodes('master') : [redis])
    for await (const page of node.scanStream({ count: 1000 })) keys.push(...(page as string[]));
  return keys.sort();
}

/** What Redis answers to TTL for a key that never expires. */
const NO_TTL = -1;

/** Keys that never expire. */
export async function keysWithoutTtl(redis: RedisClient): Promise<string[]> {
  const keys = await everyKey(redis);
  const ttls = await Promise.all(keys.map((key) => redis.ttl(key)));
  return keys.filter((_, index) => ttls[index] === NO_TTL);
}
