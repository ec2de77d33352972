import type { RedisClient } from '../../clients/redis.ts';
import { groupBy, inChunks } from '../../domain/values/lists.ts';
import { luaScript, runScript, splitIntoCalls } from '../redis/run-commands.ts';

/** Keys in one round trip, and on a single Redis in one script call, which blocks it for about a millisecond. */
const KEYS_PER_CALL = 250;

/**
 * Sets the TTL of keys. @returns how many exist
 * KEYS: the keys. ARGV: TTL in seconds
 */
const EXPIRE = luaScript(`
local found = 0
for _, key in ipairs(KEYS) do found = found + redis.call('EXPIRE', key, ARGV[1]) end
return found`);

/**
 * Sets the TTL of each key. Calls are sequential, so that Redis can serve other clients between them: it runs all received commands of one
 * client before it serves the next client.
 * @returns how many of the keys exist
 */
export async function refreshTtls(
  redis: RedisClient,
  keys: readonly { readonly key: string; readonly ttlSeconds: number }[],
): Promise<number> {
  let found = 0;
  for (const [ttlSeconds, group] of groupBy(keys, (one) => one.ttlSeconds)) {
    for (const chunk of inChunks(group, KEYS_PER_CALL)) {
      const calls = splitIntoCalls(redis, chunk, KEYS_PER_CALL);
      found += await runScript(
        redis,
        EXPIRE,
        calls.map((some) => ({ keys: some.map(({ key }) => key), args: [ttlSeconds] })),
      );
    }
  }
  return found;
}
