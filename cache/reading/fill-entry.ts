import { Cluster } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';
import { LUA_REPLACE_HASH } from '../writing/lua-hash.ts';
import { raiseFences } from '../writing/raise-fences.ts';
import { fenceKey, LUA_READ_FENCE, readFence, writeUnlessRemoved } from '../writing/read-fence.ts';
import { removeSet, replaceSet } from '../writing/replace-set.ts';

/** The state of a key without a usable value, as a reader found it before it queried the source. */
export type CacheMiss =
  | { readonly state: 'absent' }
  /** Cannot be decoded, lacks fields, or has no TTL. `reply` is the raw value; undefined where the key has another Redis type. */
  | { readonly state: 'unusable'; readonly reply: unknown }
  /** A usable value that is to be replaced: the client does not accept it, or it expires soon. */
  | { readonly state: 'outdated'; readonly reply: unknown };

/** How a key is filled after a miss. */
export interface Fill {
  /**
   * @param readAt when the read began, as `readRedisTime` returns it
   * @returns false if nothing was written: another writer was faster, the key is from a later read, or values were removed since
   */
  (redis: RedisClient, entry: CacheEntry, seen: CacheMiss, readAt: number): Promise<boolean>;
  /** Removes a value that the source no longer has, unless it was written since the look-up. */
  readonly remove: (redis: RedisClient, key: string, seen: CacheMiss, readAt: number) => Promise<unknown>;
}

/** Lua: `isSame(key, text)` returns whether a key still holds the text seen by the look-up (for a hash, its cached_at). */
const LUA_IS_SAME = `
local function isSame(key, text)
  local heldType = redis.call('TYPE', key).ok
  return (heldType == 'string' and redis.call('GET', key) == text)
    or (heldType == 'hash' and (redis.call('HGET', key, 'cached_at') or '') == text)
end`;

/**
 * Fills a key unless its value changed since the look-up: a miss takes some 300 ms, and in this time a warm or the hot path may write a
 * newer value. A key that a warm deleted because a later read did not find its row stays deleted.
 * KEYS: the key; its fence, unless it was read before
 * ARGV: TTL in seconds, condition, text seen by the look-up, 'string' or 'hash', when the read began, then the value or field, value, …
 * Conditions: 'absent' fills a key that does not exist; 'same' also one that still holds the text seen; 'any' always fills.
 */
const FILL = luaScript(`${LUA_REPLACE_HASH}${LUA_READ_FENCE}${LUA_IS_SAME}
local unchanged = redis.call('EXISTS', KEYS[1]) == 0 or ARGV[2] == 'any' or (ARGV[2] == 'same' and isSame(KEYS[1], ARGV[3]))
if not unchanged or (KEYS[2] and isLate(KEYS[2], ARGV[5])) then return 0 end
if ARGV[4] == 'string' then
  redis.call('SET', KEYS[1], ARGV[6], 'EX', ARGV[1])
else
  replaceHash(KEYS[1], ARGV[1], unpack(ARGV, 6))
end
return 1`);

/**
 * Removes an item unless it was written since the look-up.
 * KEYS: the key; its fence, unless it was raised before
 * ARGV: text seen by the look-up, when the read began
 */
const REMOVE = luaScript(`${LUA_READ_FENCE}${LUA_IS_SAME}
if not isSame(KEYS[1], ARGV[1]) then return 0 end
if KEYS[2] then raiseFence(KEYS[2], ARGV[2], 0) end
return redis.call('UNLINK', KEYS[1])`);

/** Fills one item (hash or string) unless its key was written since the look-up, or values were removed since the read began. */
export const fillItem: Fill = Object.assign(fillOne, {
  remove: (redis: RedisClient, key: string, seen: CacheMiss, readAt: number) =>
    removeSame(redis, key, fillCondition(seen)[1], readAt),
});

/** While a slot of a cluster moves, a call with two keys is refused if one of them is new. So on a cluster the fence needs its own call. */
const keysOf = (redis: RedisClient, key: string): string[] =>
  redis instanceof Cluster ? [key] : [key, fenceKey(key)];

async function removeSame(redis: RedisClient, key: string, text: string, readAt: number): Promise<number> {
  // also if the key now has another value: no read that began earlier may replace it
  if (redis instanceof Cluster) await raiseFences(redis, [key], readAt);
  return runScript(redis, REMOVE, [{ keys: keysOf(redis, key), args: [text, readAt] }]);
}

async function fillOne(redis: RedisClient, entry: CacheEntry, seen: CacheMiss, readAt: number) {
  if (entry.type !== 'string' && entry.type !== 'hash')
    throw new Error(`fillItem cannot fill ${entry.key}: it is a ${entry.type}, not a string or hash`);
  const value = entry.type === 'string' ? [entry.value] : Object.entries(entry.fields).flat();
  const text = entry.type === 'string' ? entry.value : (entry.fields['cached_at'] ?? '');
  const args = [entry.ttlSeconds, ...fillCondition(seen), entry.type, readAt, ...value];
  const outcome = await writeUnlessRemoved(redis, {
    readAt,
    async write() {
      if (redis instanceof Cluster && (await readFence(redis, entry.key)) > readAt) return 0;
      return runScript(redis, FILL, [{ keys: keysOf(redis, entry.key), args }]);
    },
    undo: (removedAt) => removeSame(redis, entry.key, text, removedAt),
  });
  return outcome === 'written';
}

function fillCondition(seen: CacheMiss): [condition: 'absent' | 'same' | 'any', textSeen: string] {
  if (seen.state === 'absent') return ['absent', ''];
  if (typeof seen.reply === 'string') return ['same', seen.reply];
  if (typeof seen.reply !== 'object' || seen.reply === null) return ['any', ''];
  return ['same', (seen.reply as Readonly<Record<string, string>>)['cached_at'] ?? ''];
}

/** Replaces a whole set, unless the cached one is from a later read. */
export const fillSet: Fill = Object.assign(
  async (redis: RedisClient, entry: CacheEntry, _: CacheMiss, readAt: number) =>
    !('refused' in (await replaceSet(redis, entry, readAt))),
  {
    remove: (redis: RedisClient, key: string, _: CacheMiss, readAt: number) => removeSet(redis, key, readAt),
  },
);
