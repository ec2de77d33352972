import { randomUUID } from 'node:crypto';
import calculateSlot from 'cluster-key-slot';
import type { RedisClient } from '../../clients/redis.ts';
import { entryBytes, entrySize, type CacheEntry } from '../../domain/schema/entry.ts';
import { runScript, luaScript, type ScriptCall } from '../redis/lua-script.ts';

/** A set that must not replace what is cached, because it is empty. */
export class EmptyEntryError extends Error {
  readonly code = 'CACHE_EMPTY_ENTRY';
  constructor(readonly key: string) {
    super(`${key} would be empty; what is cached stays`);
    this.name = 'EmptyEntryError';
  }
}

/** A set that was not replaced, because a part of what was written for it is gone, or there twice. Writing it again helps. */
export class IncompleteSetError extends Error {
  readonly code = 'CACHE_INCOMPLETE_SET';
  constructor(readonly key: string) {
    super(`${key} was not written whole: Redis was restarted, failed over or evicts; what is cached stays`);
    this.name = 'IncompleteSetError';
  }
}

/** Entries in one round trip: enough to amortise it, few enough to stay a few hundred KB. */
const CHUNK_ENTRIES = 100;
/** Members in one script call: some milliseconds of Redis. */
const CHUNK_MEMBERS = 1000;

/**
 * Writes one key whole or a part of it, and its TTL. HSET alone would leave fields that the new value no longer has, so a key
 * is deleted first.
 * Marked with #!lua it is refused as a whole by a Redis that is full; without, nothing after its DEL would be.
 * ARGV: TTL, 'whole' or 'part', the command that takes what follows (Lua unpacks some 8,000 values at most), member, …
 */
const WRITE = luaScript(`#!lua
if ARGV[2] == 'whole' then redis.call('DEL', KEYS[1]) end
for i = 4, #ARGV, 4000 do
  redis.call(ARGV[3], KEYS[1], unpack(ARGV, i, math.min(i + 3999, #ARGV)))
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1`);

/**
 * Puts a set that was built beside into its place, unless a part of it is missing: a restart, a failover or an eviction takes
 * what was written last, and a part whose answer was lost may have been added to a list twice.
 * KEYS: beside, place; ARGV: the command that counts members, how many there must be
 */
const PUT_IN_PLACE = luaScript(`#!lua
if redis.call(ARGV[1], KEYS[1]) ~= tonumber(ARGV[2]) then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
return 1`);

/** What was written. */
export interface Written {
  keys: number;
  bytes: number;
}

/**
 * Writes independent small entries (one per KOL, one per content item): each key is replaced and given its TTL in one
 * script call, since a transaction of many would not go over the slots of a cluster; a bounded chunk at a time.
 * @throws EmptyEntryError, or the first error that Redis answered
 */
export async function writeEntries(redis: RedisClient, entries: readonly CacheEntry[]): Promise<Written> {
  const written: Written = { keys: 0, bytes: 0 };
  for (let start = 0; start < entries.length; start += CHUNK_ENTRIES) {
    const chunk = entries.slice(start, start + CHUNK_ENTRIES);
    const empty = chunk.find((entry) => entrySize(entry) === 0);
    if (empty) throw new EmptyEntryError(empty.key);
    await runScript(
      redis,
      WRITE,
      chunk.map((entry) => writeCall(entry.key, entry, 'whole', 0, entrySize(entry))),
    );
    written.keys += chunk.length;
    written.bytes += chunk.reduce((sum, entry) => sum + entryBytes(entry), 0);
  }
  return written;
}

/**
 * Replaces one set (ranking, list, statistics, autocomplete) so that readers see the old or the new one whole:
 * a large one is built beside, in bounded chunks, then renamed over the old. The TTL moves with it.
 * @throws EmptyEntryError when there is nothing to replace it with
 * @throws IncompleteSetError when Redis lost a part of a large one meanwhile
 */
export async function replaceSet(redis: RedisClient, entry: CacheEntry): Promise<Written> {
  const size = entrySize(entry);
  if (size === 0) throw new EmptyEntryError(entry.key);
  if (size <= CHUNK_MEMBERS || entry.type === 'string') return writeEntries(redis, [entry]);
  // One of its own for each writer: a warm and a reader's miss may replace the same set at once.
  const beside = stagingKey(entry.key, randomUUID());
  try {
    for (let start = 0; start < size; start += CHUNK_MEMBERS)
      await runScript(redis, WRITE, [writeCall(beside, entry, 'part', start, start + CHUNK_MEMBERS)]);
    const [count, members] = countOf(entry);
    const placed = await runScript(redis, PUT_IN_PLACE, [
      { keys: [beside, entry.key], args: [count, members] },
    ]);
    if (placed === 0) throw new IncompleteSetError(entry.key);
  } catch (error) {
    // A full Redis has no room for halves. What a writer that dies leaves behind goes by its TTL.
    await redis.unlink(beside).catch(() => {});
    throw error;
  }
  return { keys: 1, bytes: entryBytes(entry) };
}

/**
 * Adds fields to a hash, and gives it its whole TTL again.
 * @throws the first error that Redis answered
 */
export async function addFields(
  redis: RedisClient,
  entry: Extract<CacheEntry, { type: 'hash' }>,
): Promise<void> {
  await runScript(redis, WRITE, [writeCall(entry.key, entry, 'part', 0, entrySize(entry))]);
}

/** A key in the same cluster slot, so that RENAME works there too: the hash tag is the whole key. */
export function stagingKey(key: string, writer: string): string {
  // A key with a hash tag of its own keeps it; any other becomes the tag.
  const beside = `${key.includes('{') ? key : `{${key}}`}:next:${writer}`;
  if (calculateSlot(beside) !== calculateSlot(key)) throw new Error(`${key} has braces that are no hash tag`);
  return beside;
}

const writeCall = (
  key: string,
  entry: CacheEntry,
  extent: 'whole' | 'part',
  from: number,
  to: number,
): ScriptCall => ({ keys: [key], args: [entry.ttlSeconds, extent, ...addMembers(entry, from, to)] });

/** The command that counts members of a key, and how many there are once Redis has dropped repeated ones. */
function countOf(
  entry: Exclude<CacheEntry, { type: 'string' }>,
): [command: 'HLEN' | 'LLEN' | 'ZCARD', members: number] {
  switch (entry.type) {
    case 'hash':
      return ['HLEN', Object.keys(entry.fields).length];
    case 'list':
      return ['LLEN', entry.items.length];
    case 'zset':
      return ['ZCARD', new Set(entry.members.map(([member]) => member)).size];
  }
}

/** The command that adds members to a key, and the members. */
function addMembers(entry: CacheEntry, from: number, to: number): (string | number)[] {
  switch (entry.type) {
    case 'hash':
      return ['HSET', ...Object.entries(entry.fields).slice(from, to).flat()];
    case 'list':
      return ['RPUSH', ...entry.items.slice(from, to)];
    case 'zset':
      return ['ZADD', ...entry.members.slice(from, to).flatMap(([member, value]) => [value, member])];
    case 'string':
      return ['SET', entry.value];
  }
}
