import { Cluster } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import { groupBy } from '../../domain/values/group-by.ts';
import { luaScript, runScriptEach, splitIntoCalls } from '../redis/lua-script.ts';
import { LUA_REPLACE_HASH } from './lua-hash.ts';
import { fenceKey, LUA_READ_FENCE } from './read-fence.ts';

export type HashEntry = Extract<CacheEntry, { type: 'hash' }>;

/** Hashes in one script call: about a millisecond of Redis. */
const HASHES_PER_CALL = 50;
/** A larger hash is written alone, because Lua unpacks some 8,000 values at most. */
export const MAX_FIELDS = 1000;

/** The field with the time at which the read of a row began. It orders two reads, and does not make two rows different. */
const TIME_FIELD = 'cached_at';

/** What a write did to one hash. */
export const hashWrites = {
  /** What is cached is of a later read, or a later read did not find the row: nothing was written. */
  late: 0,
  /** The key did not exist. */
  created: 1,
  /** The key held another row. */
  replaced: 2,
  /** The key held an equal row of an earlier read: its time and TTL were set. */
  renewed: 3,
  /** The key held what this same read has written before. */
  repeated: 4,
  /** The key does not exist, and the call had no fences: nothing was written. */
  missing: 5,
} as const;
export type HashWrite = (typeof hashWrites)[keyof typeof hashWrites];

/**
 * Replaces hashes that have the same fields, and sets their TTL. Of a hash with a time, it writes only what changed: an equal one gets
 * the new time. One of a later read stays. So does a deleted one whose deletion is of a later read; only there the fence is read.
 * KEYS: the hashes; then the fence of each, or none: those that do not exist are then left out, if they have a time
 * ARGV: TTL in seconds, number of fields, place of the time among them (0 for none), when the read began, the fields, then the values
 * of each hash
 * Returns what was done to each, as in hashWrites.
 */
const REPLACE_HASHES = luaScript(`#!lua${LUA_READ_FENCE}${LUA_REPLACE_HASH}
local count, timeAt = tonumber(ARGV[2]), tonumber(ARGV[3])
local hashes = (#ARGV - 4 - count) / count
local names, fields = {}, {}
for i = 1, count do
  names[i] = ARGV[4 + i]
  fields[2 * i - 1] = names[i]
end
local function isEqual(key, held, first)
  for i = 1, count do
    if i ~= timeAt and held[i] ~= ARGV[first + i] then return false end
  end
  return redis.call('HLEN', key) == count
end
local function write(k)
  local key, first = KEYS[k], 4 + count * k
  local done = ${hashWrites.created}
  if timeAt > 0 then
    -- pcall: a key of another type holds no row, and is replaced
    local held = redis.pcall('HMGET', key, unpack(names))
    local heldTime, time = not held.err and held[timeAt], ARGV[first + timeAt]
    if heldTime and heldTime > time then return ${hashWrites.late} end
    if heldTime and isEqual(key, held, first) then
      redis.call('EXPIRE', key, ARGV[1])
      if heldTime == time then return ${hashWrites.repeated} end
      redis.call('HSET', key, names[timeAt], time)
      return ${hashWrites.renewed}
    end
    if heldTime then
      done = ${hashWrites.replaced}
    elseif #KEYS == hashes then
      return ${hashWrites.missing}
    elseif isLate(KEYS[hashes + k], ARGV[4]) then
      return ${hashWrites.late}
    end
  end
  for i = 1, count do fields[2 * i] = ARGV[first + i] end
  replaceHash(key, ARGV[1], unpack(fields))
  return done
end
local results = {}
for k = 1, hashes do results[k] = write(k) end
return results`);

/**
 * Writes hashes in one round trip. Names of fields travel once for many hashes. A hash with `cached_at` is written only if it is not late,
 * and only renewed if it is equal to what is cached.
 * @returns what was done, by key
 * @throws the first error that Redis answered
 */
export async function writeHashes(
  redis: RedisClient,
  entries: readonly HashEntry[],
): Promise<Map<string, HashWrite>> {
  // While a slot of a cluster moves, a call is refused if only one of its keys is on the node: a cached row has no fence.
  const done = await writeWith(redis, entries, !(redis instanceof Cluster));
  const missing = entries.filter(({ key }) => done.get(key) === hashWrites.missing);
  if (missing.length === 0) return done;
  return new Map([...done, ...(await writeWith(redis, missing, true))]);
}

/** @param hasFences whether it writes rows that are not cached */
async function writeWith(
  redis: RedisClient,
  entries: readonly HashEntry[],
  hasFences: boolean,
): Promise<Map<string, HashWrite>> {
  const alike = groupBy(entries, ({ ttlSeconds, fields }) =>
    [ttlSeconds, fields[TIME_FIELD], ...Object.keys(fields)].join('\0'),
  );
  const groups = [...alike.values()].flatMap((group) => splitIntoCalls(redis, group, HASHES_PER_CALL));
  const results = await runScriptEach<HashWrite[]>(
    redis,
    REPLACE_HASHES,
    groups.map((group) => callOf(group, hasFences)),
  );
  return new Map(
    groups.flatMap((group, call) =>
      group.map(({ key }, index) => [key, results[call]?.[index] ?? hashWrites.late] as const),
    ),
  );
}

/** The call that writes hashes with the same fields, time and TTL. */
function callOf(hashes: readonly HashEntry[], hasFences: boolean) {
  const { ttlSeconds, fields }: Pick<HashEntry, 'ttlSeconds' | 'fields'> = hashes[0] ?? {
    ttlSeconds: 0,
    fields: {},
  };
  const names = Object.keys(fields);
  const values = hashes.flatMap((hash) => names.map((name) => hash.fields[name] ?? ''));
  const readAt = Date.parse(fields[TIME_FIELD] ?? '') * 1000;
  const timeAt = Number.isNaN(readAt) ? 0 : names.indexOf(TIME_FIELD) + 1;
  const keys = hashes.map(({ key }) => key);
  return {
    keys: timeAt > 0 && hasFences ? [...keys, ...keys.map(fenceKey)] : keys,
    args: [ttlSeconds, names.length, timeAt, timeAt === 0 ? 0 : readAt, ...names, ...values],
  };
}
