import { randomUUID } from 'node:crypto';
import type { RedisClient } from '../../clients/redis.ts';
import { entryBytes, entrySize, type CacheEntry } from '../../domain/schema/entry.ts';
import { inChunks } from '../../domain/values/chunks.ts';
import { luaScript, runScript } from '../redis/lua-script.ts';
import { stagingKey } from './staging-key.ts';
import { EmptyEntryError, writeEntries, type WriteTotals } from './write-entries.ts';
import { WRITE_MEMBERS, writeMembersCall } from './write-members.ts';

/** A large set was not replaced, because members of its staged copy are missing or repeated. A retry helps. */
export class IncompleteSetError extends Error {
  readonly code = 'CACHE_INCOMPLETE_SET';
  constructor(readonly key: string) {
    super(
      `The new value of ${key} is incomplete: Redis restarted, failed over or evicts; the cached value stays`,
    );
    this.name = 'IncompleteSetError';
  }
}

/** An entry that can have many members. */
type SetEntry = Exclude<CacheEntry, { type: 'string' }>;

/** Members in one script call: some milliseconds of Redis. */
const MEMBERS_PER_CALL = 1000;

/**
 * Moves a staged set to its key, unless the number of its members is wrong: a restart, a failover or an eviction loses the latest
 * writes, and a retry after a lost reply adds the same members to a list twice.
 * KEYS: staging key, the set's key
 * ARGV: the command that counts members, the expected number of members
 */
const RENAME_IF_COMPLETE = luaScript(`#!lua
if redis.call(ARGV[1], KEYS[1]) ~= tonumber(ARGV[2]) then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
return 1`);

/**
 * Replaces one set (ranking, list, statistics, autocomplete). Readers see the whole old set or the whole new set: a large one is
 * staged under another key in bounded chunks, then renamed. The TTL moves with it.
 * @throws EmptyEntryError when the new set has no members
 * @throws IncompleteSetError when Redis lost or repeated members of a large set during the write
 */
export async function replaceSet(redis: RedisClient, entry: CacheEntry): Promise<WriteTotals> {
  const size = entrySize(entry);
  if (size === 0) throw new EmptyEntryError(entry.key);
  if (size <= MEMBERS_PER_CALL || entry.type === 'string') return writeEntries(redis, [entry]);
  // Each writer has its own: a warm and a reader's miss may replace the same set at the same time.
  const staging = stagingKey(entry.key, randomUUID());
  try {
    for (const piece of inPieces(entry))
      await runScript(redis, WRITE_MEMBERS, [writeMembersCall(staging, piece, 'add')]);
    const renamed = await runScript(redis, RENAME_IF_COMPLETE, [
      { keys: [staging, entry.key], args: [countCommand[entry.type], distinctMembers(entry)] },
    ]);
    if (renamed === 0) throw new IncompleteSetError(entry.key);
  } catch (error) {
    // A full Redis has no room for half a set. The key of a writer that dies expires by its TTL.
    await redis.unlink(staging).catch(() => {});
    throw error;
  }
  return { keys: 1, bytes: entryBytes(entry) };
}

/** Splits an entry into entries of at most MEMBERS_PER_CALL members. */
function* inPieces(entry: SetEntry): Generator<SetEntry> {
  switch (entry.type) {
    case 'hash':
      for (const fields of inChunks(Object.entries(entry.fields), MEMBERS_PER_CALL))
        yield { ...entry, fields: Object.fromEntries(fields) };
      return;
    case 'list':
      for (const items of inChunks(entry.items, MEMBERS_PER_CALL)) yield { ...entry, items };
      return;
    case 'zset':
      for (const members of inChunks(entry.members, MEMBERS_PER_CALL)) yield { ...entry, members };
  }
}

const countCommand = { hash: 'HLEN', list: 'LLEN', zset: 'ZCARD' } as const;

/** How many members Redis holds of an entry: a sorted set drops repeated ones. */
function distinctMembers(entry: SetEntry): number {
  return entry.type === 'zset' ? new Set(entry.members.map(([member]) => member)).size : entrySize(entry);
}
