import { cachedAtOf, type RedisClient } from '../../clients/redis.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { FieldError } from '../../domain/schema/field.ts';
import { contentTimeMs, STREAM_ONLY, type MergedContent } from '../../domain/scoring/refresh-content.ts';
import { execClusterPipeline, luaScript, runScriptEach } from '../redis/run-commands.ts';
import { EVENT_FIELDS, eventArgs, LUA_HASH_EVENT, type EventPosition } from './lua-event.ts';
import { hashArgs, LUA_REPLACE_HASH } from './lua-hash.ts';
import { hashWrites, LUA_WRITE_ROW, rowArgs, writeFenced, type HashWrite } from './write-hashes.ts';

/** The field with the time of the row in a detail that an event wrote. */
export const ROW_TIME_FIELD = 'row_time_ms';

/**
 * Writes a content detail from a lakehouse row. A cached detail from an event newer than the row stays. If that detail has only values of
 * events, because the lakehouse did not answer then, the row adds the missing fields.
 * KEYS: the hash; its fence, if ARGV has a time
 * ARGV: TTL in seconds, the row's time in ms, when the read began or another mode of writeRow, then field, value, …
 * Returns a value of hashWrites.
 */
const REPLACE_BY_ROW = luaScript(`#!lua${LUA_HASH_EVENT}${LUA_WRITE_ROW}
local key, timeAt, names, fields = KEYS[1], 0, {}, {}
for i = 4, #ARGV, 2 do
  fields[i - 3], fields[i - 2] = ARGV[i], ARGV[i + 1]
  names[#names + 1] = ARGV[i]
  if ARGV[i] == 'cached_at' then timeAt = #names end
end
local held = hashEvent(key)
if not held then return writeRow(key, KEYS[2], ARGV[3], ARGV[1], timeAt, names, fields) end
if held.timeMs <= tonumber(ARGV[2]) then
  replaceHash(key, ARGV[1], unpack(fields))
  return ${hashWrites.replaced}
end
if redis.call('HGET', key, 'source') ~= '${STREAM_ONLY}' then return ${hashWrites.kept} end
local ofEvent = { platform = true, views = true, likes = true, comments = true, shares = true, engagement_rate = true, processed_at = true }
for i = 1, #fields, 2 do
  local known = ofEvent[fields[i]] and (redis.call('HGET', key, fields[i]) or '') ~= ''
  if not known and fields[i + 1] ~= '' then redis.call('HSET', key, fields[i], fields[i + 1]) end
end
redis.call('HSET', key, '${ROW_TIME_FIELD}', ARGV[2])
redis.call('EXPIRE', key, ARGV[1])
return ${hashWrites.replaced}`);

/** The result of a write of details, as counts. */
interface WrittenDetails {
  /** Includes those that an earlier attempt with the same read had written. */
  readonly written: number;
  /** Equal details: only time and TTL were set. */
  readonly renewed: number;
  /** Not written: the cached detail is from a later read, or a later read did not find the row. */
  readonly late: number;
  /** Not written: the cached detail is from a newer video event. */
  readonly kept: number;
}

/**
 * Writes content:detail from lakehouse rows, unless they are late. A detail from a newer video event stays.
 * @param readAt when the read of the rows began, as `readRedisTime` returns it
 */
export async function writeContentRows(
  redis: RedisClient,
  items: readonly Content[],
  readAt: number,
): Promise<WrittenDetails> {
  const rows = items.map((item) => ({
    ...content.toEntry(item.content_id, item, cachedAtOf(readAt)),
    timeMs: contentTimeMs(item),
  }));
  const done = await writeFenced(redis, rows, async (some, mode) => {
    const results = await runScriptEach<HashWrite>(
      redis,
      REPLACE_BY_ROW,
      some.map((row) => {
        const call = rowArgs([row], mode);
        return { keys: call.keys, args: [row.ttlSeconds, row.timeMs, call.mode, ...hashArgs(row)] };
      }),
    );
    return new Map(some.map(({ key }, index) => [key, results[index] ?? hashWrites.late]));
  });
  const { created, replaced, repeated, renewed, late, kept } = hashWrites;
  const countOf = (...writes: readonly HashWrite[]) =>
    rows.filter(({ key }) => writes.includes(done.get(key) ?? late)).length;
  return {
    written: countOf(created, replaced, repeated),
    renewed: countOf(renewed),
    late: countOf(late),
    kept: countOf(kept),
  };
}

/** Every write changes at least one of these fields. */
const VERSION_FIELDS = [...EVENT_FIELDS, 'cached_at'] as const;

/**
 * Replaces a content detail with the merge of an event and the cached detail.
 * KEYS: the hash
 * ARGV: TTL in seconds, the version of the cached detail, then field, value, …, beginning with those of the event
 * @returns 1; 0 if the hash holds a newer event; -1 if the cached detail has changed
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
/** Enough: another writer would have to be faster every time. */
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
  merge: (event: E, cached: MergedContent | null) => MergedContent,
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
        const rowTime = item.row_time_ms === undefined ? [] : [ROW_TIME_FIELD, item.row_time_ms];
        const fields = [...eventArgs(event), ...rowTime, ...hashArgs(entry)];
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

/** Null for an empty hash or one that is not a detail. */
function decodeDetail(hash: Readonly<Record<string, string>>): MergedContent | null {
  try {
    const detail = content.fromHash(hash);
    return { ...detail, row_time_ms: rowTimeOf(hash, detail) };
  } catch (error) {
    if (error instanceof FieldError) return null;
    throw error;
  }
}

/** A detail without an event is a row. One that is known from events only has no time of a row. */
function rowTimeOf(hash: Readonly<Record<string, string>>, detail: Content): number | undefined {
  if (hash[EVENT_FIELDS[0]] === undefined) return contentTimeMs(detail);
  const time = hash[ROW_TIME_FIELD];
  return time === undefined ? undefined : Number(time);
}
