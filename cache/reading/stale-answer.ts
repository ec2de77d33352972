import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { readFence } from '../writing/read-fence.ts';
import type { LocalEntry } from './local-tier.ts';
import { localAnswer, type Answer } from './read-result.ts';

/**
 * The answer from a stale value, for a key that Redis does not have.
 * @returns undefined when the value may have been removed since it was read: by a warm, an operator, or the erasure of a KOL
 * @throws the error that Redis answered: then nobody knows
 */
export async function staleAnswer<T>(
  redis: RedisClient,
  key: string,
  entry: LocalEntry<T>,
): Promise<Answer<T> | undefined> {
  const [fence, now] = await Promise.all([readFence(redis, key), readRedisTime(redis)]);
  // When the value was read from Redis, on the clock of Redis. Not later than that: the clock of the process is asked last.
  const readAt = now - (performance.now() - entry.readAt) * 1000;
  if (fence >= readAt) return undefined;
  const { entry: _, ...answer } = localAnswer(entry);
  return { ...answer, outcome: 'stale' };
}
