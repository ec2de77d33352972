import { readMemoryInfo } from '../../cache/redis/memory-info.ts';
import type { RedisClient } from '../../clients/redis.ts';
import type { RedisMemory } from '../../domain/warming/redis-memory.ts';

/** How full Redis is after a warm, for its report. */
export function createGetRedisMemory({ redis }: { redis: RedisClient }) {
  return function getRedisMemory(): Promise<RedisMemory> {
    return readMemoryInfo(redis);
  };
}
