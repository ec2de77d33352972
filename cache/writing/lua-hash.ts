import type { CacheEntry } from '../../domain/schema/entry.ts';

/**
 * Lua: `replaceHash(key, ttlSeconds, field, value, …)` replaces a whole hash. Fields that the new value lacks are removed after the
 * write: while a slot of a cluster moves, a key that was deleted first could not be written again on this node, and would be missing.
 */
export const LUA_REPLACE_HASH = `
local function replaceHash(key, ttlSeconds, ...)
  if type(redis.pcall('HSET', key, ...)) == 'table' then
    -- A key of another type is in the way
    redis.call('DEL', key)
    redis.call('HSET', key, ...)
  end
  local fields = select('#', ...) / 2
  if redis.call('HLEN', key) > fields then
    local kept = {}
    for i = 1, 2 * fields, 2 do kept[select(i, ...)] = true end
    for _, field in ipairs(redis.call('HKEYS', key)) do
      if not kept[field] then redis.call('HDEL', key, field) end
    end
  end
  redis.call('EXPIRE', key, ttlSeconds)
end`;

/** The fields and values of a hash, as script arguments. @throws TypeError for an entry of another type */
export function hashArgs(entry: CacheEntry): string[] {
  if (entry.type !== 'hash') throw new TypeError(`${entry.key} is a ${entry.type}, not a hash`);
  return Object.entries(entry.fields).flat();
}
