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

/**
 * Lua: `hasNewerEvent(key, timeMs, offset)` says whether the hash was written from an event that is newer: of a later time, or of
 * the same time and a higher offset.
 */
export const LUA_HAS_NEWER_EVENT = `
local function hasNewerEvent(key, timeMs, offset)
  -- pcall: a key of another type holds no event
  local held = redis.pcall('HMGET', key, 'event_time_ms', 'source_offset')
  if held.err then return false end
  local heldTimeMs, heldOffset = tonumber(held[1] or ''), tonumber(held[2] or '')
  if not heldTimeMs then return false end
  return heldTimeMs > timeMs or (heldTimeMs == timeMs and (heldOffset or -1) > offset)
end`;

/** The fields and values of a hash, as script arguments. @throws TypeError for an entry of another type */
export function hashArgs(entry: CacheEntry): string[] {
  if (entry.type !== 'hash') throw new TypeError(`${entry.key} is a ${entry.type}, not a hash`);
  return Object.entries(entry.fields).flat();
}
