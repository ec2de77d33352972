import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { readFence } from '../writing/read-fence.ts';
import type { LocalEntry } from './local-tier.ts';
import type { ReportProblem } from './read-problem.ts';
import { localAnswer, type Answer } from './read-result.ts';

/**
 * The answer from a stale value, for a key that Redis does not have. Never rejects: failures are reported.
 * @returns undefined when it may have been removed since it was read: by a warm, an operator, or the erasure of a KOL. Also when
 *   Redis fails, because this is then unknown
 */
export async function staleAnswer<T>(
  redis: RedisClient,
  key: string,
  stale: LocalEntry<T>,
  reportProblem: ReportProblem,
): Promise<Answer<T> | undefined> {
  try {
    const [fence, now] = await Promise.all([readFence(redis, key), readRedisTime(redis)]);
    // The time of the read on the clock of Redis. `performance.now` is called last, so the result is never later than the read.
    const readAt = now - (performance.now() - stale.readAt) * 1000;
    if (fence >= readAt) return undefined;
    const { entry: _, ...answer } = localAnswer(stale);
    return { ...answer, outcome: 'stale' };
  } catch (error) {
    reportProblem(key, 'stale', error);
    return undefined;
  }
}
