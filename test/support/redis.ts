import type { Redis } from 'ioredis';

/** Every key of the database. */
export async function allKeys(redis: Redis): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of redis.scanStream({ count: 1000 })) keys.push(...(page as string[]));
  return keys.sort();
}

/** Keys that would stay for ever. */
export async function keysWithoutTtl(redis: Redis): Promise<string[]> {
  const keys = await allKeys(redis);
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.ttl(key);
  const ttls = (await pipeline.exec()) ?? [];
  return keys.filter((_, index) => !(Number(ttls[index]?.[1]) > 0));
}
