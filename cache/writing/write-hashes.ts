import { Cluster } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import type { HashEntry } from '../../domain/schema/entry.ts';
import { groupBy } from '../../domain/values/lists.ts';
import { LUA_LATEST_TIME } from '../redis/lua-clock.ts';
import { luaScript, runScriptEach, splitIntoCalls } from '../redis/run-commands.ts';
import { LUA_REPLACE_HASH } from './lua-hash.ts';
import { fenceKey, LUA_READ_FENCE } from './read-fence.ts';

/** Hashes in one script call: about a millisecond of Redis. */
const HASHES_PER_CALL = 50;
/** A larger hash is written alone, because Lua unpacks at most about 8,000 values. */
export const MAX_FIELDS = 1000;

/** The field with the start of the read of a row. It orders two reads; equality of rows ignores it. */
const TIME_FIELD = 'cached_at';

/** Result codes of a write to one hash. */
export const hashWrites = {
  /** Nothing written: the cached row is from a later read, or a later read did not find the row. */
  late: 0,
  /** The key did not exist. */
  created: 1,
  /** The key held another row. */
  replaced: 2,
  /** The key held an equal row of an earlier read: only time and TTL were set. */
  renewed: 3,
  /** The key held the row of this same read, from an earlier attempt. */
  repeated: 4,
  /** Nothing written: the key does not exist, and the mode does not allow to create it. */
  missing: 5,
  /** Nothing written: the hash holds a newer event. */
  kept: 6,
} as const;
export type HashWrite = (typeof hashWrites)[keyof typeof hashWrites];

/**
 * Lua: `writeRow(key, fence, mode, ttlSeconds, timeAt, names, fields)` replaces a hash with a row and sets its TTL. An equal row gets only
 * the new time, and a row of a later read stays. If no row is cached, the fence decides: a row that a later read did not find is not
 * written. `mode` is the start of the read, or 'update' to skip a row that is not cached, or 'create' to create it without reading the
 * fence. `timeAt` is the index of the time among the names; `fields` has each name and its value. Returns a value of hashWrites.
 */
export const LUA_WRITE_ROW = `${LUA_READ_FENCE}${LUA_REPLACE_HASH}${LUA_LATEST_TIME}
local function isEqual(key, held, timeAt, fields)
  for i = 1, #held do
    if i ~= timeAt and held[i] ~= fields[2 * i] then return false end
  end
  return redis.call('HLEN', key) == #held
end
local function writeRow(key, fence, mode, ttlSeconds, timeAt, names, fields)
  -- pcall: a key of another type holds no row, and is replaced
  local held = redis.pcall('HMGET', key, unpack(names))
  local heldTime, time = not held.err and held[timeAt], fields[2 * timeAt]
  if heldTime and heldTime > time and heldTime <= latestTime() then return ${hashWrites.late} end
  if heldTime and isEqual(key, held, timeAt, fields) then
    redis.call('EXPIRE', key, ttlSeconds)
    if heldTime == time then return ${hashWrites.repeated} end
    redis.call('HSET', key, names[timeAt], time)
    return ${hashWrites.renewed}
  end
  if not heldTime then
    if mode == 'update' then return ${hashWrites.missing} end
    if mode ~= 'create' and isLate(fence, mode) then return ${hashWrites.late} end
  end
  replaceHash(key, ttlSeconds, unpack(fields))
  return heldTime and ${hashWrites.replaced} or ${hashWrites.created}
end`;

/**
 * Replaces hashes that have the same fields, and sets their TTL. A hash with a time is written as a row.
 * KEYS: the hashes; then the fence of each, if ARGV has a time
 * ARGV: TTL in seconds, number of fields, index of the time among them (0 for none), mode of writeRow, the fields, then the values of each
 * hash
 * Returns a value of hashWrites for each.
 */
const REPLACE_HASHES = luaScript(`#!lua${LUA_WRITE_ROW}
local count, timeAt = tonumber(ARGV[2]), tonumber(ARGV[3])
local hashes = (#ARGV - 4 - count) / count
local names, fields = {}, {}
for i = 1, count do
  names[i] = ARGV[4 + i]
  fields[2 * i - 1] = names[i]
end
local results = {}
for k = 1, hashes do
  local first = 4 + count * k
  for i = 1, count do fields[2 * i] = ARGV[first + i] end
  if timeAt > 0 then
    results[k] = writeRow(KEYS[k], KEYS[hashes + k], ARGV[4], ARGV[1], timeAt, names, fields)
  else
    replaceHash(KEYS[k], ARGV[1], unpack(fields))
    results[k] = ${hashWrites.created}
  end
end
return results`);

/**
 * Returns 1 if the read that deleted the key began later than this time, else 0.
 * KEYS: the fence. ARGV: when the read began
 */
const IS_LATE = luaScript(`${LUA_READ_FENCE}
return isLate(KEYS[1], ARGV[1]) and 1 or 0`);

/**
 * Writes hashes in one round trip (up to three on a cluster). Field names are sent once for many hashes. A hash with `cached_at` is not
 * written if it is late, and only renewed if it equals the cached one.
 * @returns the result codes by key
 * @throws the first error that Redis answered
 */
export const writeHashes = (
  redis: RedisClient,
  entries: readonly HashEntry[],
): Promise<Map<string, HashWrite>> =>
  writeFenced(redis, entries, (some, mode) => writeWith(redis, some, mode));

/** What to do with a row that is not cached: check its fence, skip it, or create it. */
export type RowMode = 'fenced' | 'update' | 'create';

/**
 * Writes rows with their fences.
 * @param write calls a script that uses `writeRow`; returns the result codes by key
 */
export async function writeFenced<Entry extends HashEntry>(
  redis: RedisClient,
  entries: readonly Entry[],
  write: (entries: readonly Entry[], mode: RowMode) => Promise<Map<string, HashWrite>>,
): Promise<Map<string, HashWrite>> {
  if (!(redis instanceof Cluster)) return write(entries, 'fenced');
  // While a slot moves, a call with two keys is refused. So the fences of new rows are read in a separate call. A row that is deleted
  // between the two calls is created again.
  const done = await write(entries, 'update');
  const missing = entries.filter(({ key }) => done.get(key) === hashWrites.missing);
  const late = await runScriptEach(
    redis,
    IS_LATE,
    missing.map(({ key, fields }) => ({ keys: [fenceKey(key)], args: [readAtOf(fields)] })),
  );
  for (const { key } of missing) done.set(key, hashWrites.late);
  const created = await write(
    missing.filter((_, index) => late[index] === 0),
    'create',
  );
  return new Map([...done, ...created]);
}

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

/** Start of the read of a row in microseconds; NaN for a hash that is not a row. */
const readAtOf = (fields: HashEntry['fields']): number => Date.parse(fields[TIME_FIELD] ?? '') * 1000;

/** The keys and the mode argument of a script that writes these rows with `writeRow`. */
export function rowArgs(rows: readonly HashEntry[], mode: RowMode) {
  const keys = rows.map(({ key }) => key);
  return mode === 'fenced'
    ? { keys: [...keys, ...keys.map(fenceKey)], mode: readAtOf(rows[0]?.fields ?? {}) }
    : { keys, mode };
}

/** The call that writes hashes with the same fields, time and TTL. */
function callOf(hashes: readonly HashEntry[], mode: RowMode) {
  const { ttlSeconds, fields }: Pick<HashEntry, 'ttlSeconds' | 'fields'> = hashes[0] ?? {
    ttlSeconds: 0,
    fields: {},
  };
  const names = Object.keys(fields);
  const timeAt = Number.isNaN(readAtOf(fields)) ? 0 : names.indexOf(TIME_FIELD) + 1;
  const row = rowArgs(hashes, timeAt > 0 ? mode : 'create');
  const args = [ttlSeconds, names.length, timeAt, row.mode, ...names];
  for (const hash of hashes) for (const name of names) args.push(hash.fields[name] ?? '');
  return { keys: row.keys, args };
}
