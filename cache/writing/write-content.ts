import type { RedisClient } from '../../clients/redis.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { FieldError } from '../../domain/schema/field.ts';
import { contentTimeMs, STREAM_ONLY } from '../../domain/scoring/refresh-content.ts';
import { execClusterPipeline } from '../redis/cluster-pipeline.ts';
import { luaScript, runScriptEach } from '../redis/lua-script.ts';
import { EVENT_FIELDS, eventArgs, LUA_HASH_EVENT, type EventPosition } from './lua-event.ts';
import { hashArgs, LUA_REPLACE_HASH } from './lua-hash.ts';

/**
 * Replaces a content detail with the lakehouse's row; of an equal one it sets only time and TTL. A detail that the hot path wrote from an
 * event newer than the row stays. If only events are known of that item, because the lakehouse did not answer then, the row adds what they
 * do not say.
 * KEYS: the hash
 * ARGV: TTL in seconds, the row's time in ms, then field, value, …
 * Returns 1 for a detail that was written, 2 for one that was renewed, 0 for one that stays.
 */
const REPLACE_BY_ROW = luaScript(`#!lua${LUA_HASH_EVENT}${LUA_REPLACE_HASH}
local key = KEYS[1]
local function isEqual()
  -- pcall: a key of another type holds no detail
  if redis.pcall('HLEN', key) ~= (#ARGV - 2) / 2 then return false end
  for i = 3, #ARGV, 2 do
    if ARGV[i] ~= 'cached_at' and redis.call('HGET', key, ARGV[i]) ~= ARGV[i + 1] then return false end
  end
  return true
end
local held = hashEvent(key)
if not held and isEqual() then
  for i = 3, #ARGV, 2 do
    if ARGV[i] == 'cached_at' then redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
  end
  redis.call('EXPIRE', key, ARGV[1])
  return 2
end
if not held or held.timeMs <= tonumber(ARGV[2]) then
  replaceHash(key, ARGV[1], unpack(ARGV, 3))
  return 1
end
if redis.call('HGET', key, 'source') ~= '${STREAM_ONLY}' then return 0 end
local ofEvent = { platform = true, views = true, likes = true, comments = true, shares = true, engagement_rate = true, processed_at = true }
for i = 3, #ARGV, 2 do
  local known = ofEvent[ARGV[i]] and (redis.call('HGET', key, ARGV[i]) or '') ~= ''
  if not known and ARGV[i + 1] ~= '' then redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
end
redis.call('EXPIRE', key, ARGV[1])
return 1`);

/** What a write of details did. Details from newer video events are in neither. */
interface WrittenDetails {
  readonly written: number;
  /** Equal ones, of which only time and TTL were set. */
  readonly renewed: number;
}

/** Writes content:detail from lakehouse rows. A detail from a newer video event stays. */
export async function writeContentRows(
  redis: RedisClient,
  items: readonly Content[],
  now: Date,
): Promise<WrittenDetails> {
  const results = await runScriptEach(
    redis,
    REPLACE_BY_ROW,
    items.map((item) => {
      const entry = content.toEntry(item.content_id, item, now.toISOString());
      return { keys: [entry.key], args: [entry.ttlSeconds, contentTimeMs(item), ...hashArgs(entry)] };
    }),
  );
  const countOf = (done: number) => results.filter((result) => result === done).length;
  return { written: countOf(1), renewed: countOf(2) };
}

/** Fields of which every write changes at least one. */
const VERSION_FIELDS = [...EVENT_FIELDS, 'cached_at'] as const;

/**
 * Replaces a content detail by one that an event and the cached detail were merged into.
 * KEYS: the hash
 * ARGV: TTL in seconds, the version of the cached detail, then field, value, …, beginning with those of the event
 * @returns 1; 0 when the hash holds a newer event; -1 when it is not the cached detail any more
 */
const REPLACE_VERSION = luaScript(`#!lua${LUA_HASH_EVENT}${LUA_REPLACE_HASH}
local held = hashEvent(KEYS[1])
if held and isNewer(held, argsEvent(3)) then return 0 end
-- pcall: a key of another type holds no detail, and is replaced
local version = redis.pcall('HMGET', KEYS[1], '${VERSION_FIELDS.join("', '")}')
for i = 1, ${VERSION_FIELDS.length} do version[i] = not version.err and version[i] or '' end
if table.concat(version, '/') ~= ARGV[2] then return -1 end
replaceHash(KEYS[1], ARGV[1], unpack(ARGV, 3))
return 1`);
const CHANGED = -1;
/** Another writer would have to be faster each time. */
const MAX_TRIES = 10;

/** An event on an item. */
interface ContentEvent extends EventPosition {
  readonly content_id: string;
}

/**
 * Merges events into the cached details and writes these, in two round trips. A detail from a newer event stays. A detail that
 * changes in between is read again.
 * @param merge returns the detail after the event; `cached` is null when nothing readable is cached
 * @returns the events whose details were written, with the details
 */
export async function mergeContentEvents<E extends ContentEvent>(
  redis: RedisClient,
  events: readonly E[],
  merge: (event: E, cached: Content | null) => Content,
  now: Date,
): Promise<{ readonly event: E; readonly content: Content }[]> {
  const written: { readonly event: E; readonly content: Content }[] = [];
  let pending = events;
  for (let tries = 0; pending.length > 0; tries += 1) {
    if (tries === MAX_TRIES) throw new Error('Content details change faster than they can be written');
    const cached = await readDetails(redis, pending);
    const merged = pending.map((event, index) => {
      const { detail = null, version = '' } = cached[index] ?? {};
      return { event, content: merge(event, detail), version };
    });
    const results = await runScriptEach(
      redis,
      REPLACE_VERSION,
      merged.map(({ event, content: item, version }) => {
        const entry = content.toEntry(item.content_id, item, now.toISOString());
        const fields = [...eventArgs(event), ...hashArgs(entry)];
        return { keys: [entry.key], args: [entry.ttlSeconds, version, ...fields] };
      }),
    );
    written.push(...merged.filter((_, index) => results[index] === 1));
    pending = pending.filter((_, index) => results[index] === CHANGED);
  }
  return written;
}

/** Reads the cached detail of each item, and its version. */
async function readDetails(
  redis: RedisClient,
  items: readonly ContentEvent[],
): Promise<{ readonly detail: Content | null; readonly version: string }[]> {
  const keys = items.map(({ content_id }) => content.key(content_id));
  const replies = await execClusterPipeline(
    redis,
    keys.map((key) => ({
      key,
      queue: (pipeline) => pipeline.hgetall(key),
      send: () => redis.hgetall(key),
    })),
  );
  return replies.map(([error, reply]) => {
    if (error && !error.message.startsWith('WRONGTYPE')) throw error;
    const hash = (error ? {} : reply) as Readonly<Record<string, string>>;
    return {
      detail: decodeDetail(hash),
      version: VERSION_FIELDS.map((field) => hash[field] ?? '').join('/'),
    };
  });
}

/** Null for a hash that is empty or not a detail. */
function decodeDetail(hash: Readonly<Record<string, string>>): Content | null {
  try {
    return content.fromHash(hash);
  } catch (error) {
    if (error instanceof FieldError) return null;
    throw error;
  }
}
