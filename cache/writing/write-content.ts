import type { RedisClient } from '../../clients/redis.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { isoTimeMs } from '../../domain/values/iso-time.ts';
import { luaScript, runScript } from '../redis/lua-script.ts';
import { hashArgs, LUA_HAS_NEWER_EVENT, LUA_REPLACE_HASH } from './lua-hash.ts';
import { writeEventHashes, type EventPosition } from './write-event-hashes.ts';

/**
 * Replaces a content detail with the lakehouse's row. A detail that the hot path wrote from an event newer than the row stays.
 * KEYS: the hash
 * ARGV: TTL in seconds, the row's time in ms, then field, value, …
 */
const REPLACE_BY_ROW = luaScript(`#!lua${LUA_HAS_NEWER_EVENT}${LUA_REPLACE_HASH}
if hasNewerEvent(KEYS[1], tonumber(ARGV[2]), math.huge) then return 0 end
replaceHash(KEYS[1], ARGV[1], unpack(ARGV, 3))
return 1`);

/** A row without a time is older than every event. */
const rowTimeMs = ({ processed_at }: Content): number => isoTimeMs(processed_at ?? '') || 0;

/** Writes content:detail from lakehouse rows. A detail from a newer video event stays. @returns how many were written */
export const writeContentRows = (redis: RedisClient, items: readonly Content[], now: Date): Promise<number> =>
  runScript(
    redis,
    REPLACE_BY_ROW,
    items.map((item) => {
      const entry = content.toEntry(item.content_id, item, now.toISOString());
      return { keys: [entry.key], args: [entry.ttlSeconds, rowTimeMs(item), ...hashArgs(entry)] };
    }),
  );

/** Writes content:detail from video events. A detail from a newer event stays. @returns how many were written */
export const writeContentEvents = (
  redis: RedisClient,
  items: readonly (EventPosition & { readonly content: Content })[],
  now: Date,
): Promise<number> =>
  writeEventHashes(
    redis,
    items.map(({ content: item, event_time_ms, offset }) => ({
      event_time_ms,
      offset,
      entry: content.toEntry(item.content_id, item, now.toISOString()),
    })),
  );
