import type { RedisClient } from '../../clients/redis.ts';
import { luaScript, runScript } from '../redis/lua-script.ts';

/**
 * Sets the TTL of a key; returns 1 if the key exists.
 * KEYS: the key. ARGV: TTL in seconds
 */
const EXPIRE = luaScript(`return redis.call('EXPIRE', KEYS[1], ARGV[1])`);

/** Restores the full TTL of each key. @returns whether all the keys exist */
export async function refreshTtls(
  redis: RedisClient,
  keys: readonly { readonly key: string; readonly ttlSeconds: number }[],
): Promise<boolean> {
  const found = await runScript(
    redis,
    EXPIRE,
    keys.map(({ key, ttlSeconds }) => ({ keys: [key], args: [ttlSeconds] })),
  );
  return found === keys.length;
}
