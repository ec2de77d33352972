import type { RedisClient } from '../../clients/redis.ts';
import { fenceKey, LUA_READ_FENCE } from './read-fence.ts';
import { luaScript, runScript } from '../redis/lua-script.ts';

/**
 * Deletes a hash unless an event wrote it: its row may not have arrived in the lakehouse yet. A key of another type, which is not ours, is
 * deleted: it hides the row. The fence keeps a late fill from bringing it back.
 * KEYS: the hash, its fence. ARGV: when the read began that did not find the row
 */
const DELETE_UNLESS_STREAMED = luaScript(`${LUA_READ_FENCE}
if redis.pcall('HEXISTS', KEYS[1], 'event_time_ms') == 1 then return 0 end
local deleted = redis.call('UNLINK', KEYS[1])
raiseFence(KEYS[2], ARGV[1], 0)
return deleted`);

/**
 * Returns 1 for a hash that DELETE_UNLESS_STREAMED would delete.
 * KEYS: the hash, its fence. ARGV: not used
 */
const COUNT_UNLESS_STREAMED = luaScript(`
if redis.pcall('HEXISTS', KEYS[1], 'event_time_ms') == 1 then return 0 end
return redis.call('EXISTS', KEYS[1])`);

/**
 * Deletes hashes whose rows are gone, except those that an event wrote.
 * @param readAt when the read began that did not find the rows, as `readRedisTime` returns it
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
    dryRun ? COUNT_UNLESS_STREAMED : DELETE_UNLESS_STREAMED,
    keys.map((key) => ({ keys: [key, fenceKey(key)], args: [readAt] })),
  );
