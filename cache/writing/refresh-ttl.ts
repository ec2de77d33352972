import type { RedisClient } from '../../clients/redis.ts';
import { runScript, luaScript } from '../redis/lua-script.ts';

/** ARGV: TTL. 1 where the key was there. */
const RENEW = luaScript(`return redis.call('EXPIRE', KEYS[1], ARGV[1])`);

/** Gives keys their whole TTL again. @returns whether every one of them was there */
export async function refreshTtls(
  redis: RedisClient,
  keys: readonly { readonly key: string; readonly ttlSeconds: number }[],
): Promise<boolean> {
  const found = await runScript(
    redis,
    RENEW,
    keys.map(({ key, ttlSeconds }) => ({ keys: [key], args: [ttlSeconds] })),
  );
  return found === keys.length;
}
