import type { RedisClient } from '../../clients/redis.ts';
import { luaScript, runScript } from '../redis/lua-script.ts';

/**
 * Deletes a hash unless an event wrote it: its row may not have arrived in the lakehouse yet. A key of another type, which is not ours, is
 * deleted: it hides the row.
 * KEYS: the hash. ARGV: none
 */
const DELETE_UNLESS_STREAMED = luaScript(`
if redis.pcall('HEXISTS', KEYS[1], 'event_time_ms') == 1 then return 0 end
return redis.call('UNLINK', KEYS[1])`);

/**
 * Returns 1 for a hash that DELETE_UNLESS_STREAMED would delete.
 * KEYS: the hash. ARGV: none
 */
const COUNT_UNLESS_STREAMED = luaScript(`
if redis.pcall('HEXISTS', KEYS[1], 'event_time_ms') == 1 then return 0 end
return redis.call('EXISTS', KEYS[1])`);

/** Deletes hashes, except those that an event wrote. @returns how many were deleted; a dry run only counts them */
export const deleteUnlessStreamed = (
  redis: RedisClient,
  keys: readonly string[],
  { dryRun }: { readonly dryRun: boolean } = { dryRun: false },
): Promise<number> =>
  runScript(
    redis,
    dryRun ? COUNT_UNLESS_STREAMED : DELETE_UNLESS_STREAMED,
    keys.map((key) => ({ keys: [key], args: [] })),
  );
