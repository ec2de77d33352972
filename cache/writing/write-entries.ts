import type { RedisClient } from '../../clients/redis.ts';
import { entryBytes, entrySize, type CacheEntry } from '../../domain/schema/entry.ts';
import { inChunks } from '../../domain/values/chunks.ts';
import { runScript } from '../redis/lua-script.ts';
import { MAX_FIELDS, writeHashes, type HashEntry } from './write-hashes.ts';
import { WRITE_MEMBERS, writeMembersCall } from './write-members.ts';

/** An entry without members must not replace the cached one. */
export class EmptyEntryError extends Error {
  readonly code = 'CACHE_EMPTY_ENTRY';
  constructor(readonly key: string) {
    super(`The new value of ${key} is empty; the cached value stays`);
    this.name = 'EmptyEntryError';
  }
}

/** Entries in one round trip: enough to amortise it, few enough to stay within some hundred KB. */
const ENTRIES_PER_ROUND_TRIP = 500;

/** How much was written. */
export interface WriteTotals {
  keys: number;
  /** Rough payload bytes, as `entryBytes` counts them. */
  bytes: number;
}

/**
 * Writes independent small entries (one for each KOL or content item) in bounded chunks. A script replaces a key and sets its TTL in one
 * step, because a transaction over many keys cannot span the slots of a cluster.
 * @throws EmptyEntryError, or the first error that Redis answered
 */
export async function writeEntries(redis: RedisClient, entries: readonly CacheEntry[]): Promise<WriteTotals> {
  const totals: WriteTotals = { keys: 0, bytes: 0 };
  for (const chunk of inChunks(entries, ENTRIES_PER_ROUND_TRIP)) {
    const empty = chunk.find((entry) => entrySize(entry) === 0);
    if (empty) throw new EmptyEntryError(empty.key);
    const small = chunk.filter(isSmallHash);
    const others = chunk.filter((entry) => !isSmallHash(entry));
    await Promise.all([
      writeHashes(redis, small),
      runScript(
        redis,
        WRITE_MEMBERS,
        others.map((entry) => writeMembersCall(entry.key, entry, 'replace')),
      ),
    ]);
    totals.keys += chunk.length;
    totals.bytes += chunk.reduce((sum, entry) => sum + entryBytes(entry), 0);
  }
  return totals;
}

const isSmallHash = (entry: CacheEntry): entry is HashEntry =>
  entry.type === 'hash' && entrySize(entry) <= MAX_FIELDS;

/**
 * Adds fields to a hash, and restores its full TTL.
 * @throws the first error that Redis answered
 */
export async function addFields(
  redis: RedisClient,
  entry: Extract<CacheEntry, { type: 'hash' }>,
): Promise<void> {
  await runScript(redis, WRITE_MEMBERS, [writeMembersCall(entry.key, entry, 'add')]);
}
