import type { RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import { groupBy } from '../../domain/values/group-by.ts';
import { luaScript, runScript, splitIntoCalls } from '../redis/lua-script.ts';
import { LUA_REPLACE_HASH } from './lua-hash.ts';

export type HashEntry = Extract<CacheEntry, { type: 'hash' }>;

/** Hashes in one script call: about a millisecond of Redis. */
const HASHES_PER_CALL = 50;
/** A larger hash is written alone, because Lua unpacks some 8,000 values at most. */
export const MAX_FIELDS = 1000;

/**
 * Replaces hashes that have the same fields, and sets their TTL.
 * KEYS: the hashes
 * ARGV: TTL in seconds, number of fields, the fields, then the values of each hash
 */
const REPLACE_HASHES = luaScript(`#!lua${LUA_REPLACE_HASH}
local count = tonumber(ARGV[2])
local fields = {}
for i = 1, count do fields[2 * i - 1] = ARGV[2 + i] end
for k, key in ipairs(KEYS) do
  for i = 1, count do fields[2 * i] = ARGV[2 + count * k + i] end
  replaceHash(key, ARGV[1], unpack(fields))
end
return #KEYS`);

/**
 * Replaces hashes in one round trip. Names of fields travel once for many hashes.
 * @throws the first error that Redis answered
 */
export async function writeHashes(redis: RedisClient, entries: readonly HashEntry[]): Promise<void> {
  const alike = groupBy(entries, ({ ttlSeconds, fields }) => [ttlSeconds, ...Object.keys(fields)].join('\0'));
  const calls = [...alike.values()].flatMap((group) =>
    splitIntoCalls(redis, group, HASHES_PER_CALL).map((hashes) => {
      const [{ ttlSeconds, fields } = { ttlSeconds: 0, fields: {} }] = hashes;
      const names = Object.keys(fields);
      const values = hashes.flatMap((hash) => names.map((name) => hash.fields[name] ?? ''));
      return { keys: hashes.map(({ key }) => key), args: [ttlSeconds, names.length, ...names, ...values] };
    }),
  );
  await runScript(redis, REPLACE_HASHES, calls);
}
