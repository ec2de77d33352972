import type { RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';
import { FENCE_SECONDS, fenceKey } from './read-fence.ts';

/** A set, and the read that wrote it. */
export interface SetOfRead {
  readonly key: string;
  /** Undefined if the warm did not record it; such a set is not renewed. */
  readonly type: CacheEntry['type'] | undefined;
  readonly ttlSeconds: number;
  /** When the read began: the time of Redis in microseconds. */
  readonly readAt: number;
}

/**
 * Restores the full TTL of a set if it is still from this read. A key of another type has replaced the set and is not renewed.
 * KEYS: the set, its fence
 * ARGV: when the read began, TTL in seconds, the type of the set
 */
const RENEW_SET = luaScript(`
-- pcall: a fence of another type is no fence
if redis.pcall('GET', KEYS[2]) ~= ARGV[1] or redis.call('TYPE', KEYS[1]).ok ~= ARGV[3] then return 0 end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], math.max(tonumber(ARGV[2]), ${FENCE_SECONDS}))
return 1`);

/** Restores the full TTL of sets. @returns whether each of them exists and is from this read */
export async function renewSets(redis: RedisClient, sets: readonly SetOfRead[]): Promise<boolean> {
  const calls = sets.map(({ key, type = '', ttlSeconds, readAt }) => ({
    keys: [key, fenceKey(key)],
    args: [readAt, ttlSeconds, type],
  }));
  return (await runScript(redis, RENEW_SET, calls)) === sets.length;
}
