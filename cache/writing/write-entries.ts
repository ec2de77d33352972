import type { RedisClient } from '../../clients/redis.ts';
import { entryBytes, entrySize, type CacheEntry, type HashEntry } from '../../domain/schema/entry.ts';
import { inChunks } from '../../domain/values/lists.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';
import { hashWrites, MAX_FIELDS, writeHashes, type HashWrite } from './write-hashes.ts';
import { WRITE_MEMBERS, writeMembersCall } from './write-members.ts';

/** An entry without members must not replace the cached one. */
export class EmptyEntryError extends Error {
  readonly code = 'CACHE_EMPTY_ENTRY';
  constructor(readonly key: string) {
    super(`The new value of ${key} is empty; the cached value stays`);
    this.name = 'EmptyEntryError';
  }
}

/** Entries in one round trip: some hundred KB. */
const ENTRIES_PER_ROUND_TRIP = 500;

/** Totals of a write. */
export interface WrittenTotals {
  keys: number;
  /** Rough payload bytes, as `entryBytes` counts them. */
  bytes: number;
}

/** The result of a write of entries, as counts of keys. */
export interface WriteTotals extends WrittenTotals {
  /** Written keys that held another row before. */
  replaced: number;
  /** Keys with an equal row: only time and TTL were set. */
  renewed: number;
  /** Keys that an earlier attempt with the same read had written. They are not written again. */
  repeated: number;
}

/**
 * Writes independent small entries (one for each KOL or content item) in bounded chunks. A script replaces a key and sets its TTL in one
 * step, because a transaction over many keys cannot span the slots of a cluster. Lakehouse rows are compared with the cached ones: an equal
 * row is renewed, a row of a later read stays.
 * @throws EmptyEntryError, or the first error from Redis
 */
export async function writeEntries(redis: RedisClient, entries: readonly CacheEntry[]): Promise<WriteTotals> {
  const totals: WriteTotals = { keys: 0, bytes: 0, replaced: 0, renewed: 0, repeated: 0 };
  for (const chunk of inChunks(entries, ENTRIES_PER_ROUND_TRIP)) {
    const empty = chunk.find((entry) => entrySize(entry) === 0);
    if (empty) throw new EmptyEntryError(empty.key);
    const others = chunk.filter((entry) => !isSmallHash(entry));
    const [done] = await Promise.all([
      writeHashes(redis, chunk.filter(isSmallHash)),
      runScript(
        redis,
        WRITE_MEMBERS,
        others.map((entry) => writeMembersCall(entry.key, entry, 'replace')),
      ),
    ]);
    for (const entry of chunk) addWrite(totals, entry, done.get(entry.key) ?? hashWrites.created);
  }
  return totals;
}

function addWrite(totals: WriteTotals, entry: CacheEntry, done: HashWrite): void {
  if (done === hashWrites.renewed) totals.renewed += 1;
  if (done === hashWrites.repeated) totals.repeated += 1;
  if (done === hashWrites.replaced) totals.replaced += 1;
  if (done !== hashWrites.created && done !== hashWrites.replaced) return;
  totals.keys += 1;
  totals.bytes += entryBytes(entry);
}

const isSmallHash = (entry: CacheEntry): entry is HashEntry =>
  entry.type === 'hash' && entrySize(entry) <= MAX_FIELDS;

/**
 * Adds fields to a hash, and sets its TTL. A key of another type is replaced.
 * KEYS: the hash
 * ARGV: TTL in seconds, 0 for a hash that never expires, then field, value, …
 */
const ADD_FIELDS = luaScript(`#!lua
local held = redis.call('TYPE', KEYS[1]).ok
if held ~= 'hash' and held ~= 'none' then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return ARGV[1] == '0' and redis.call('PERSIST', KEYS[1]) or redis.call('EXPIRE', KEYS[1], ARGV[1])`);

/**
 * Adds fields to a hash, and restores its full TTL. A key of another type is replaced.
 * @param hash a hash without `ttlSeconds` never expires
 * @throws the first error from Redis
 */
export async function addFields(
  redis: RedisClient,
  { key, ttlSeconds = 0, fields }: Pick<HashEntry, 'key' | 'fields'> & { readonly ttlSeconds?: number },
): Promise<void> {
  await runScript(redis, ADD_FIELDS, [{ keys: [key], args: [ttlSeconds, ...Object.entries(fields).flat()] }]);
}
