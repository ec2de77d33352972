import { readMemoryInfo } from '../../cache/redis/memory-info.ts';
import type { RedisClient } from '../../clients/redis.ts';
import type { RedisMemory } from '../../domain/warming/redis-memory.ts';

/** Reads how full Redis is, for the report of a warm. */
export function createGetRedisMemory({ redis }: { redis: RedisClient }) {
  return function getRedisMemory(): Promise<RedisMemory> {
    return readMemoryInfo(redis);
  };
}
