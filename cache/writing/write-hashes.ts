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
  /** The key does not exist, and the call did not say whether it may be created: nothing was written. */
  missing: 5,
} as const;
export type HashWrite = (typeof hashWrites)[keyof typeof hashWrites];

/**
 * Replaces hashes that have the same fields, and sets their TTL. A hash with a time is compared with the cached one: an equal one gets
 * only the new time, and one of a later read stays. If none is cached, the fence is read: a row that a later read did not find is left out.
 * KEYS: the hashes; then the fence of each, if ARGV has a time
 * ARGV: TTL in seconds, number of fields, place of the time among them (0 for none), when the read began, the fields, then the values
 * of each hash. In place of the time: 'update' leaves out rows that do not exist, 'create' creates them without a look at a fence
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
    elseif ARGV[4] == 'update' then
      return ${hashWrites.missing}
    elseif ARGV[4] ~= 'create' and isLate(KEYS[hashes + k], ARGV[4]) then
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
 * Returns 1 when the read that deleted the key began later than this time, else 0.
 * KEYS: the fence. ARGV: when the read began
 */
const IS_LATE = luaScript(`${LUA_READ_FENCE}
return isLate(KEYS[1], ARGV[1]) and 1 or 0`);

/**
 * Writes hashes in one round trip, in up to three on a cluster. Names of fields travel once for many hashes. A hash with `cached_at` is written only if it is not late,
 * and only renewed if it is equal to what is cached.
 * @returns what was done, by key
 * @throws the first error that Redis answered
 */
export async function writeHashes(
  redis: RedisClient,
  entries: readonly HashEntry[],
): Promise<Map<string, HashWrite>> {
  if (!(redis instanceof Cluster)) return writeWith(redis, entries, 'fenced');
  // While a slot moves, a call with two keys is refused. So the fences of new rows are read in another call: a row that is deleted between
  // the two calls comes back.
  const done = await writeWith(redis, entries, 'update');
  const missing = entries.filter(({ key }) => done.get(key) === hashWrites.missing);
  const late = await runScriptEach(
    redis,
    IS_LATE,
    missing.map(({ key, fields }) => ({ keys: [fenceKey(key)], args: [readAtOf(fields)] })),
  );
  for (const { key } of missing) done.set(key, hashWrites.late);
  const created = await writeWith(
    redis,
    missing.filter((_, index) => late[index] === 0),
    'create',
  );
  return new Map([...done, ...created]);
}

/** What to do with a row that is not cached: look at its fence, leave it out, or create it. */
type RowMode = 'fenced' | 'update' | 'create';

async function writeWith(
  redis: RedisClient,
  entries: readonly HashEntry[],
  mode: RowMode,
): Promise<Map<string, HashWrite>> {
  const alike = groupBy(entries, ({ ttlSeconds, fields }) =>
    [ttlSeconds, fields[TIME_FIELD], ...Object.keys(fields)].join('\0'),
  );
  const groups = [...alike.values()].flatMap((group) => splitIntoCalls(redis, group, HASHES_PER_CALL));
  const results = await runScriptEach<HashWrite[]>(
    redis,
    REPLACE_HASHES,
    groups.map((group) => callOf(group, mode)),
  );
  return new Map(
    groups.flatMap((group, call) =>
      group.map(({ key }, index) => [key, results[call]?.[index] ?? hashWrites.late] as const),
    ),
  );
}

/** When the read of a row began: microseconds; NaN for a hash that is no row. */
const readAtOf = (fields: HashEntry['fields']): number => Date.parse(fields[TIME_FIELD] ?? '') * 1000;

/** The call that writes hashes with the same fields, time and TTL. */
function callOf(hashes: readonly HashEntry[], mode: RowMode) {
  const { ttlSeconds, fields }: Pick<HashEntry, 'ttlSeconds' | 'fields'> = hashes[0] ?? {
    ttlSeconds: 0,
    fields: {},
  };
  const names = Object.keys(fields);
  const readAt = readAtOf(fields);
  const timeAt = Number.isNaN(readAt) ? 0 : names.indexOf(TIME_FIELD) + 1;
  const keys = hashes.map(({ key }) => key);
  const args = [ttlSeconds, names.length, timeAt, mode === 'fenced' ? readAt : mode, ...names];
  for (const hash of hashes) for (const name of names) args.push(hash.fields[name] ?? '');
  return { keys: timeAt > 0 && mode === 'fenced' ? [...keys, ...keys.map(fenceKey)] : keys, args };
}
