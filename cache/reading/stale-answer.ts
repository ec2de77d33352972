import type { RedisClient } from '../../clients/redis.ts';
import type { LocalEntry } from './local-tier.ts';
import type { ReportProblem } from './read-problem.ts';
import { localAnswer, type Answer } from './read-result.ts';
import { removedSince } from './removed-since.ts';

/**
 * The answer from a stale value, for a key that Redis does not have. Never rejects: failures are reported.
 * @returns undefined if the value may have been removed since it was read, or if Redis fails, because this is then unknown
 */
export async function staleAnswer<T>(
  redis: RedisClient,
  key: string,
  stale: LocalEntry<T>,
  reportProblem: ReportProblem,
): Promise<Answer<T> | undefined> {
  try {
    if (await removedSince(redis, key, stale.readAt)) return undefined;
    const { entry: _, ...answer } = localAnswer(stale);
    return { ...answer, outcome: 'stale' };
  } catch (error) {
    reportProblem(key, 'stale', error);
    return undefined;
  }
}
