import type { RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import { luaScript, runScript } from '../redis/lua-script.ts';
import { hashArgs, LUA_HAS_NEWER_EVENT, LUA_REPLACE_HASH } from './lua-hash.ts';

/** Time and offset of an event: they decide which of two events is newer. */
export interface EventPosition {
  readonly event_time_ms: number;
  readonly offset: number;
}

/**
 * Replaces a hash, and stores the event's time and offset in it. A hash that holds a newer event stays.
 * KEYS: the hash
 * ARGV: TTL in seconds, event time in ms, event offset, then field, value, …
 */
const REPLACE_IF_NEWER = luaScript(`#!lua${LUA_HAS_NEWER_EVENT}${LUA_REPLACE_HASH}
if hasNewerEvent(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3])) then return 0 end
replaceHash(KEYS[1], ARGV[1], 'event_time_ms', ARGV[2], 'source_offset', ARGV[3], unpack(ARGV, 4))
return 1`);

/**
 * Writes hashes made from events. A cached hash that holds a newer event stays.
 * @returns how many were written
 * @throws the first error that Redis answered
 */
export const writeEventHashes = (
  redis: RedisClient,
  items: readonly (EventPosition & { readonly entry: CacheEntry })[],
): Promise<number> =>
  runScript(
    redis,
    REPLACE_IF_NEWER,
    items.map(({ entry, event_time_ms, offset }) => ({
      keys: [entry.key],
      args: [entry.ttlSeconds, event_time_ms, offset, ...hashArgs(entry)],
    })),
  );
