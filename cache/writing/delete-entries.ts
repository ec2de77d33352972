import type { RedisClient } from '../../clients/redis.ts';
import { runScript, luaScript } from '../redis/lua-script.ts';

/** A hash that the hot path made of an event may be of something that the lakehouse does not have yet. */
const REMOVE_UNLESS_STREAMED = luaScript(`
if redis.call('HEXISTS', KEYS[1], 'event_time_ms') == 1 then return 0 end
return redis.call('UNLINK', KEYS[1])`);

const WOULD_REMOVE = luaScript(`
return redis.call('EXISTS', KEYS[1]) - redis.call('HEXISTS', KEYS[1], 'event_time_ms')`);

/** Removes hashes, but for those that an event made. @returns how many; a dry run only counts them */
export const deleteUnlessStreamed = (
  redis: RedisClient,
  keys: readonly string[],
  { dryRun }: { readonly dryRun: boolean } = { dryRun: false },
): Promise<number> =>
  runScript(
    redis,
    dryRun ? WOULD_REMOVE : REMOVE_UNLESS_STREAMED,
    keys.map((key) => ({ keys: [key], args: [] })),
  );
