import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { siblingKey } from '../redis/sibling-key.ts';

/**
 * The fence of a key holds when the read began that made its present state: the time of Redis in microseconds. A writer whose read
 * began earlier is late, and writes nothing: what it read may be older. A deleted key has a fence too, so that no late writer brings it back.
 */
export const fenceKey = (key: string): string => siblingKey(key, FENCE);

/** What distinguishes a fence from its key. */
export const FENCE = 'read-at';

/** A fence lives at least this long (s): as long as the slowest read, an activity of a warm, can take. */
export const FENCE_SECONDS = 900;

/**
 * A fence of all keys: when an operator last deleted values from the cache or erased a KOL. A value that was read before may have been
 * removed, even if its key had already expired.
 */
export const REMOVAL_FENCE = `cache:all:${FENCE}`;

/** Records that values were deleted now. @throws the error that Redis answered */
export async function raiseRemovalFence(redis: RedisClient): Promise<void> {
  await redis.set(REMOVAL_FENCE, await readRedisTime(redis), 'EX', FENCE_SECONDS);
}

/** The latest fence of a key, its own or that of all keys: the time of Redis in microseconds; 0 without one. */
export async function readFence(redis: RedisClient, key: string): Promise<number> {
  const fences = await Promise.all([redis.get(fenceKey(key)), redis.get(REMOVAL_FENCE)]);
  return Math.max(...fences.map(Number));
}

/**
 * Lua: `isLate(fence, readAt)` tells whether the read of a writer began before the one that made the present state of a key.
 * `raiseFence(fence, readAt, seconds)` records the read of the writer. A full Redis refuses that, and must still free a deleted key.
 */
export const LUA_READ_FENCE = `
local function isLate(fence, readAt)
  return tonumber(redis.call('GET', fence) or '0') > tonumber(readAt)
end
local function raiseFence(fence, readAt, seconds)
  redis.pcall('SET', fence, readAt, 'EX', math.max(tonumber(seconds), ${FENCE_SECONDS}))
end`;
