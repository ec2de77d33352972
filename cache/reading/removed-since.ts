import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { readFence } from '../writing/read-fence.ts';

/**
 * Whether the value of a key may have been removed since a moment: by a warm, an operator, or the erasure of a KOL.
 * @param moment on the clock of `performance.now`
 * @throws the error from Redis
 */
export async function removedSince(redis: RedisClient, key: string, moment: number): Promise<boolean> {
  const [fence, now] = await Promise.all([readFence(redis, key), readRedisTime(redis)]);
  // `performance.now` must be called last, so that the moment is never too late on the clock of Redis.
  return fence >= now - (performance.now() - moment) * 1000;
}
