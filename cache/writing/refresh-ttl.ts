import type { RedisClient } from '../../clients/redis.ts';
import { groupBy, inChunks } from '../../domain/values/lists.ts';
import { luaScript, runScript, splitIntoCalls } from '../redis/run-commands.ts';

/** Keys that are renewed in one round trip, in one script call on a single Redis: about a millisecond, during which other clients wait. */
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
 * Sets the TTL of each key. A call starts when the last one has ended, so that other clients of Redis get their turn between them: Redis
 * runs all commands that it has received from one client before it looks at the next client.
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
