import type { RedisClient } from '../../clients/redis.ts';
import { searchRecent } from '../../domain/entities/search-recent.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';
import { unlessWrongType } from '../redis/wrong-type.ts';

/**
 * Adds a search at the front of its user's list, and removes its duplicate and the oldest one. A key of another type is replaced.
 * KEYS: the list
 * ARGV: the search, number of searches that are kept, TTL in seconds
 */
const RECORD = luaScript(`#!lua
if type(redis.pcall('LREM', KEYS[1], 0, ARGV[1])) == 'table' then redis.call('DEL', KEYS[1]) end
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
return redis.call('EXPIRE', KEYS[1], ARGV[3])`);

/** The latest searches of users. */
export interface RecentSearches {
  /** @throws the error from Redis */
  readonly record: (userId: string, search: string) => Promise<void>;
  /** Newest first. @throws the error from Redis */
  readonly read: (userId: string) => Promise<readonly string[]>;
}

export const createRecentSearches = (redis: RedisClient): RecentSearches => ({
  async record(userId, search) {
    const { maxItems, ttlSeconds } = searchRecent;
    await runScript(redis, RECORD, [
      { keys: [searchRecent.key(userId)], args: [search, maxItems, ttlSeconds] },
    ]);
  },
  read: async (userId) => (await unlessWrongType(redis.lrange(searchRecent.key(userId), 0, -1))) ?? [],
});
