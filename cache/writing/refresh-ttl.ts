import type { RedisClient } from '../../clients/redis.ts';
import { groupBy } from '../../domain/values/group-by.ts';
import { luaScript, runScript, splitIntoCalls } from '../redis/lua-script.ts';

/** Keys in one script call: about a millisecond of Redis, during which other clients wait. */
const KEYS_PER_CALL = 250;

/**
 * Sets the TTL of keys. @returns how many exist
 * KEYS: the keys. ARGV: TTL in seconds
 */
const EXPIRE = luaScript(`
local found = 0
for _, key in ipairs(KEYS) do found = found + redis.call('EXPIRE', key, ARGV[1]) end
return found`);

/** Sets the TTL of each key. @returns how many of the keys exist */
export async function refreshTtls(
  redis: RedisClient,
  keys: readonly { readonly key: string; readonly ttlSeconds: number }[],
): Promise<number> {
  const calls = [...groupBy(keys, ({ ttlSeconds }) => ttlSeconds)].flatMap(([ttlSeconds, group]) =>
    splitIntoCalls(redis, group, KEYS_PER_CALL).map((chunk) => ({
      keys: chunk.map(({ key }) => key),
      args: [ttlSeconds],
    })),
  );
  return runScript(redis, EXPIRE, calls);
}
