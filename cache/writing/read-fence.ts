import type { RedisClient } from '../../clients/redis.ts';
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
 * A fence of all keys: when an operator last deleted whole kinds from the cache or erased a KOL. A value that was read before may have been
 * removed, even if its key had expired or did not exist yet.
 */
export const REMOVAL_FENCE = `cache:all:${FENCE}`;

/** The fence of all keys: the time of Redis in microseconds; 0 without one. */
const readRemovalFence = async (redis: RedisClient): Promise<number> =>
  Number(await redis.get(REMOVAL_FENCE));

/** The latest fence of a key, its own or that of all keys: the time of Redis in microseconds; 0 without one. */
export async function readFence(redis: RedisClient, key: string): Promise<number> {
  const [own, ofAll] = await Promise.all([redis.get(fenceKey(key)), readRemovalFence(redis)]);
  return Math.max(Number(own), ofAll);
}

/** A write of what was read. */
interface WriteOfRead {
  /** When the read began, as `readRedisTime` returns it. */
  readonly readAt: number;
  /** Returns how many keys were written. */
  readonly write: () => Promise<number>;
  /** Removes what was written, unless a later read has replaced it. @param removedAt the fence to raise */
  readonly undo: (removedAt: number) => Promise<unknown>;
}

/**
 * Writes what was read, unless values were removed since the read began, because it may hold one of them. A removal that runs during the
 * write may not have seen what is written, so the fence is read again afterwards: a removal raises it before it looks for values. One
 * script cannot do both, because the key and the fence of all keys are on two nodes of a cluster.
 * @returns how many keys were written
 * @throws the first error that Redis answered
 */
export async function writeUnlessRemoved(
  redis: RedisClient,
  { readAt, write, undo }: WriteOfRead,
): Promise<number> {
  if ((await readRemovalFence(redis)) > readAt) return 0;
  const written = await write();
  if (written === 0) return 0;
  const removedAt = await readRemovalFence(redis);
  if (removedAt <= readAt) return written;
  await undo(removedAt);
  return 0;
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
