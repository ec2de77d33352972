import type { RedisClient } from '../../clients/redis.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { isoTimeMs } from '../../domain/values/iso-time.ts';
import { runScript, luaScript } from '../redis/lua-script.ts';

/**
 * Replaces a detail by the lakehouse's row, unless the hot path wrote it of an event that is newer than the row.
 * Marked with #!lua it is refused as a whole by a Redis that is full; without, nothing after its DEL would be.
 * ARGV: TTL, the row's time, field, value, …
 */
const REPLACE_UNLESS_FRESHER = luaScript(`#!lua
local time = redis.pcall('HGET', KEYS[1], 'event_time_ms')
if type(time) == 'string' and (tonumber(time) or 0) > tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1`);

/** Rows that do not say when they were made give way to any event. */
const rowTime = ({ processed_at }: Content): number => isoTimeMs(processed_at ?? '') || 0;

/** Writes content:detail of lakehouse rows, never over what a newer video event said. @returns how many were written */
export const writeContentRows = (redis: RedisClient, items: readonly Content[], now: Date): Promise<number> =>
  runScript(
    redis,
    REPLACE_UNLESS_FRESHER,
    items.map((item) => {
      const entry = content.toEntry(item.content_id, item, now.toISOString());
      const fields = entry.type === 'hash' ? Object.entries(entry.fields).flat() : [];
      return { keys: [entry.key], args: [entry.ttlSeconds, rowTime(item), ...fields] };
    }),
  );
