import type { CacheEntry } from '../../domain/schema/entry.ts';

/**
 * Lua: `replaceHash(key, ttlSeconds, field, value, …)` replaces a whole hash. It deletes the key first, because HSET alone keeps
 * fields that the new value no longer has.
 */
export const LUA_REPLACE_HASH = `
local function replaceHash(key, ttlSeconds, ...)
  redis.call('DEL', key)
  redis.call('HSET', key, ...)
  redis.call('EXPIRE', key, ttlSeconds)
end`;

/** The fields and values of a hash, as script arguments. @throws TypeError for an entry of another type */
export function hashArgs(entry: CacheEntry): string[] {
  if (entry.type !== 'hash') throw new TypeError(`${entry.key} is a ${entry.type}, not a hash`);
  return Object.entries(entry.fields).flat();
}
