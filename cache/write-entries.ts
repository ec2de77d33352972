import { randomUUID } from 'node:crypto';
import calculateSlot from 'cluster-key-slot';
import type { ChainableCommander } from 'ioredis';
import type { RedisClient } from '../clients/redis.ts';
import { entryBytes, entrySize, type CacheEntry } from '../domain/entities/entry.ts';

/** A set that must not replace what is cached, because it is empty. */
export class EmptyEntryError extends Error {
  readonly code = 'CACHE_EMPTY_ENTRY';
  constructor(readonly key: string) {
    super(`${key} would be empty; what is cached stays`);
    this.name = 'EmptyEntryError';
  }
}

/** Entries in one transaction: enough to amortise the round trip, few enough to hold Redis for under a millisecond or two. */
const CHUNK_ENTRIES = 100;
/** Members in one ZADD, RPUSH or HSET. */
const CHUNK_MEMBERS = 1000;

/** What was written. */
export interface Written {
  keys: number;
  bytes: number;
}

/**
 * Writes independent small entries (one per KOL, one per content item): each key is replaced and given its TTL in one
 * transaction, a bounded chunk at a time.
 * @throws the first error that Redis answered
 */
export async function writeEntries(redis: RedisClient, entries: readonly CacheEntry[]): Promise<Written> {
  const written: Written = { keys: 0, bytes: 0 };
  for (let start = 0; start < entries.length; start += CHUNK_ENTRIES) {
    const chunk = entries.slice(start, start + CHUNK_ENTRIES);
    const transaction = redis.multi();
    for (const entry of chunk) {
      if (entrySize(entry) === 0) throw new EmptyEntryError(entry.key);
      addReplace(transaction, entry);
      written.keys += 1;
      written.bytes += entryBytes(entry);
    }
    await execute(transaction);
  }
  return written;
}

/** HSET alone would leave fields that the new value no longer has, so a key is deleted first, in the same transaction. */
function addReplace(transaction: ChainableCommander, entry: CacheEntry): void {
  if (entry.type !== 'string') transaction.del(entry.key);
  addMembers(transaction, entry.key, entry, 0, entrySize(entry));
  if (entry.type !== 'string') transaction.expire(entry.key, entry.ttlSeconds);
}

/**
 * Replaces one set (ranking, list, statistics, autocomplete) so that readers see the old or the new one whole:
 * it is built beside, in bounded chunks, then renamed over the old. The TTL moves with it.
 * @throws EmptyEntryError when there is nothing to replace it with
 */
export async function replaceSet(redis: RedisClient, entry: CacheEntry): Promise<Written> {
  const size = entrySize(entry);
  if (size === 0) throw new EmptyEntryError(entry.key);
  if (entry.type === 'string') return writeEntries(redis, [entry]);
  // One of its own for each writer: a warm and a reader's miss may replace the same set at once.
  // A writer that dies half-way leaves it behind; it goes by its TTL.
  const beside = besideKey(entry.key, randomUUID());
  for (let start = 0; start < size; start += CHUNK_MEMBERS) {
    const pipeline = redis.pipeline();
    addMembers(pipeline, beside, entry, start, start + CHUNK_MEMBERS);
    pipeline.expire(beside, entry.ttlSeconds);
    await execute(pipeline);
  }
  await execute(redis.pipeline().rename(beside, entry.key));
  return { keys: 1, bytes: entryBytes(entry) };
}

/** A key in the same cluster slot, so that RENAME works there too: the hash tag is the whole key. */
export function besideKey(key: string, writer: string): string {
  // A key with a hash tag of its own keeps it; any other becomes the tag.
  const beside = `${key.includes('{') ? key : `{${key}}`}:next:${writer}`;
  if (calculateSlot(beside) !== calculateSlot(key)) throw new Error(`${key} has braces that are no hash tag`);
  return beside;
}

function addMembers(
  pipeline: ChainableCommander,
  key: string,
  entry: CacheEntry,
  from: number,
  to: number,
): void {
  switch (entry.type) {
    case 'hash':
      pipeline.hset(key, Object.fromEntries(Object.entries(entry.fields).slice(from, to)));
      return;
    case 'list':
      pipeline.rpush(key, ...entry.items.slice(from, to));
      return;
    case 'zset':
      pipeline.zadd(key, ...entry.members.slice(from, to).flatMap(([member, value]) => [value, member]));
      return;
    case 'string':
      pipeline.set(key, entry.value, 'EX', entry.ttlSeconds);
      return;
  }
}

async function execute(commands: ChainableCommander): Promise<void> {
  for (const [error] of (await commands.exec()) ?? []) if (error) throw error;
}
