import type { RedisClient } from '../../clients/redis.ts';
import { searchRecent } from '../../domain/entities/search-recent.ts';
import { luaScript, runScript } from '../redis/lua-script.ts';

/**
 * Puts a search before the others of its user, and removes its repeat and the oldest.
 * KEYS: the list
 * ARGV: the search, number of searches that are kept, TTL in seconds
 */
const RECORD = luaScript(`#!lua
redis.call('LREM', KEYS[1], 0, ARGV[1])
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
return redis.call('EXPIRE', KEYS[1], ARGV[3])`);

/** The latest searches of users. */
export interface RecentSearches {
  /** @throws the error that Redis answered */
  readonly record: (userId: string, search: string) => Promise<void>;
  /** Newest first. @throws the error that Redis answered */
  readonly read: (userId: string) => Promise<readonly string[]>;
}

export const createRecentSearches = (redis: RedisClient): RecentSearches => ({
  async record(userId, search) {
    const { maxItems, ttlSeconds } = searchRecent;
    await runScript(redis, RECORD, [
      { keys: [searchRecent.key(userId)], args: [search, maxItems, ttlSeconds] },
    ]);
  },
  read: (userId) => redis.lrange(searchRecent.key(userId), 0, -1),
});
