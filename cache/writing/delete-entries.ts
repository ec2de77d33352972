import { cachedAtOf, type RedisClient } from '../../clients/redis.ts';
import { fenceKey, LUA_READ_FENCE } from './read-fence.ts';
import { LUA_LATEST_TIME } from '../redis/lua-clock.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';

/**
 * Deletes a hash unless an event or a later read wrote it: the row of an event may not be in the lakehouse yet. A key of another type,
 * without a TTL, or with a time in the future comes from another client and is deleted too, because it hides the row. The fence prevents a
 * late fill from writing the hash again.
 * KEYS: the hash, its fence
 * ARGV: start of the read that did not find the row; the same as cached_at; '1' to only count the hash
 */
const DELETE_UNLESS_STREAMED = luaScript(`${LUA_READ_FENCE}${LUA_LATEST_TIME}
-- pcall: a key of another type has no fields
local held = redis.pcall('HMGET', KEYS[1], 'event_time_ms', 'cached_at')
if not held.err and held[1] then return 0 end
local isRow = not held.err and held[2] and redis.call('PTTL', KEYS[1]) >= 0 and held[2] <= latestTime()
if isRow and held[2] > ARGV[2] or isLate(KEYS[2], ARGV[1]) then return 0 end
if ARGV[3] == '1' then return redis.call('EXISTS', KEYS[1]) end
local deleted = redis.call('UNLINK', KEYS[1])
raiseFence(KEYS[2], ARGV[1], 0)
return deleted`);

/**
 * Deletes hashes whose rows are gone, except those that an event or a later read wrote.
 * @param readAt start of the read that did not find the rows, from `readRedisTime`
 * @returns how many were deleted; a dry run only counts them
 */
export const deleteUnlessStreamed = (
  redis: RedisClient,
  keys: readonly string[],
  readAt: number,
  { dryRun }: { readonly dryRun: boolean } = { dryRun: false },
): Promise<number> =>
  runScript(
    redis,
    DELETE_UNLESS_STREAMED,
    keys.map((key) => ({
      keys: [key, fenceKey(key)],
      args: [readAt, cachedAtOf(readAt), dryRun ? '1' : '0'],
    })),
  );
