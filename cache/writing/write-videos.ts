import type { RedisClient } from '../../clients/redis.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import { engagement, type Engagement } from '../../domain/entities/engagement.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import { ALL } from '../../domain/values/platform.ts';
import type { TrendingMove } from '../../domain/scoring/refresh-content.ts';
import { runScript, luaScript } from '../redis/lua-script.ts';

/** Where an event lies: what decides which of two is newer. */
export interface EventPosition {
  readonly event_time_ms: number;
  readonly offset: number;
}

/**
 * Replaces a hash unless one made of a newer event is there; the event's time and offset are kept in it.
 * ARGV: TTL, event time, offset, field, value, …
 */
const REPLACE_IF_NEWER = luaScript(`#!lua
local old = redis.pcall('HMGET', KEYS[1], 'event_time_ms', 'source_offset')
if not old.err then
  local time, offset = tonumber(old[1] or ''), tonumber(old[2] or '')
  if time and (time > tonumber(ARGV[2]) or (time == tonumber(ARGV[2]) and (offset or -1) > tonumber(ARGV[3]))) then
    return 0
  end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'event_time_ms', ARGV[2], 'source_offset', ARGV[3], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1`);

/**
 * Moves items in a trending list: KEYS heat, list; ARGV: limit, then id, heat, 1 if it may enter, …
 * Without the heat of a warm there is nothing to compare with, and the next warm will have it. Readers see the old list or
 * the new one, with the TTL that it had.
 */
const MOVE = luaScript(`
local ttl = redis.call('PTTL', KEYS[1])
if ttl <= 0 then return 0 end
local moved = 0
for i = 2, #ARGV, 3 do
  if ARGV[i + 2] == '1' or redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i])
    moved = moved + 1
  end
end
if moved == 0 then return 0 end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[1]))
redis.call('DEL', KEYS[2])
redis.call('RPUSH', KEYS[2], unpack(redis.call('ZREVRANGE', KEYS[1], 0, -1)))
redis.call('PEXPIRE', KEYS[2], ttl)
return moved`);

/** Writes hashes, each unless one made of a newer event is there. @returns how many were written */
const replaceOlder = (
  redis: RedisClient,
  items: readonly (EventPosition & { readonly entry: CacheEntry })[],
): Promise<number> =>
  runScript(
    redis,
    REPLACE_IF_NEWER,
    items.map(({ entry, event_time_ms, offset }) => ({
      keys: [entry.key],
      args: [
        entry.ttlSeconds,
        event_time_ms,
        offset,
        ...(entry.type === 'hash' ? Object.entries(entry.fields).flat() : []),
      ],
    })),
  );

/** Refreshes content:detail, never over what a newer event said. @returns how many were written */
export const writeContentEvents = (
  redis: RedisClient,
  items: readonly (EventPosition & { readonly content: Content })[],
  now: Date,
): Promise<number> =>
  replaceOlder(
    redis,
    items.map(({ content: item, event_time_ms, offset }) => ({
      event_time_ms,
      offset,
      entry: content.toEntry(item.content_id, item, now.toISOString()),
    })),
  );

/** Keeps the engagement of each KOL's latest video for later scoring. @returns how many were written */
export const writeEngagement = (
  redis: RedisClient,
  items: readonly (EventPosition & { readonly engagement: Engagement })[],
): Promise<number> =>
  replaceOlder(
    redis,
    items.map(({ engagement: value, event_time_ms, offset }) => ({
      event_time_ms,
      offset,
      entry: engagement.toEntry(value),
    })),
  );

/** Moves items in the lists of their platforms and of all. @returns how many places were set */
export function updateTrending(redis: RedisClient, moves: readonly TrendingMove[]): Promise<number> {
  const byPlatform = new Map<string, TrendingMove[]>();
  for (const move of moves)
    for (const platform of [move.platform, ALL])
      byPlatform.set(platform, [...(byPlatform.get(platform) ?? []), move]);
  return runScript(
    redis,
    MOVE,
    [...byPlatform].map(([platform, ofPlatform]) => ({
      keys: [trending.heatKey(platform), trending.key(platform)],
      args: [
        TRENDING_LIMIT,
        ...ofPlatform.flatMap(({ content_id, heat, mayEnter }) => [content_id, heat, mayEnter ? '1' : '0']),
      ],
    })),
  );
}
