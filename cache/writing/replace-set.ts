import { randomUUID } from 'node:crypto';
import { Cluster } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import { entryBytes, entrySize, type CacheEntry } from '../../domain/schema/entry.ts';
import { inChunks } from '../../domain/values/lists.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';
import { fenceKey, LUA_READ_FENCE, writeUnlessRemoved } from './read-fence.ts';
import { stagingKey } from './staging-key.ts';
import { EmptyEntryError, type WrittenTotals } from './write-entries.ts';
import { addCommand, LUA_CHECK_MEMBERS, WRITE_MEMBERS, writeMembersCall } from './write-members.ts';

/** A set was not replaced, because members of its staged copy are missing or repeated. A retry helps. */
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
 * Moves a staged set to its key, unless the number of its members is wrong: a restart, a failover or an eviction loses the latest writes,
 * and a retry after a lost reply adds the same members to a list twice.
 * On a single Redis the old set is unlinked first: RENAME would free a large set synchronously, and other clients would wait. On a cluster
 * the old set must exist: while the slot moves, a node refuses RENAME to a missing key, and the old set would be lost.
 * KEYS: the set's key, its fence, the staging key
 * ARGV: when the read began, TTL in seconds, the command that counts members, the expected number of members, '1' on a cluster
 * Returns 1, 0 when a later read wrote the set, or -1 when the staged set is incomplete.
 */
const RENAME_IF_COMPLETE = luaScript(`#!lua${LUA_READ_FENCE}
if redis.call(ARGV[3], KEYS[3]) ~= tonumber(ARGV[4]) then return -1 end
if isLate(KEYS[2], ARGV[1]) then redis.call('UNLINK', KEYS[3]) return 0 end
if ARGV[5] ~= '1' then redis.call('UNLINK', KEYS[1]) end
redis.call('RENAME', KEYS[3], KEYS[1])
raiseFence(KEYS[2], ARGV[1], ARGV[2])
return 1`);

/**
 * Replaces a small set. Do not use it for lists, hashes and sorted sets on a cluster: while the slot moves, a node does not accept members
 * for a deleted key, and the set would be lost. A string is safe, because SET needs no DEL.
 * KEYS: the set's key, its fence
 * ARGV: when the read began, TTL in seconds, the command that adds members, then its arguments
 * Returns 1, or 0 when a later read wrote the set.
 */
const REPLACE_SET = luaScript(`#!lua${LUA_READ_FENCE}${LUA_CHECK_MEMBERS}
if isLate(KEYS[2], ARGV[1]) then return 0 end
checkMembers(ARGV[3], 4)
if ARGV[3] ~= 'SET' then redis.call('DEL', KEYS[1]) end
redis.call(ARGV[3], KEYS[1], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[2])
raiseFence(KEYS[2], ARGV[1], ARGV[2])
return 1`);

/**
 * Removes a set that no longer has members.
 * KEYS: the set's key, its fence
 * ARGV: when the read began
 * Returns 1 if a set was removed, 0 if there was none or it is from a later read.
 */
const REMOVE_SET = luaScript(`${LUA_READ_FENCE}
if isLate(KEYS[2], ARGV[1]) then return 0 end
raiseFence(KEYS[2], ARGV[1], 0)
return redis.call('UNLINK', KEYS[1])`);

/**
 * Replaces one set (ranking, list, statistics, autocomplete). Readers see either the whole old set or the whole new set: a large set, and
 * every set on a cluster, is staged under another key in bounded chunks, then renamed with its TTL. The old set stays if its read began
 * later, or if values were removed from the cache since the read of the new set began.
 * @param readAt start of the read of the new set, from `readRedisTime`
 * @returns the written totals, or why nothing was written: the cached set is from a later read, or values were removed since the read began
 * @throws EmptyEntryError when the new set has no members
 * @throws IncompleteSetError when Redis lost or repeated members of a large set during the write
 */
export async function replaceSet(
  redis: RedisClient,
  entry: CacheEntry,
  readAt: number,
): Promise<WrittenTotals | { readonly refused: 'late' | 'removed' }> {
  const size = entrySize(entry);
  if (size === 0) throw new EmptyEntryError(entry.key);
  const outcome = await writeUnlessRemoved(redis, {
    readAt,
    write: () =>
      entry.type === 'string' || (size <= MEMBERS_PER_CALL && !(redis instanceof Cluster))
        ? replaceSmallSet(redis, entry, readAt)
        : replaceStaged(redis, entry, readAt),
    undo: (removedAt) => removeSet(redis, entry.key, removedAt),
  });
  return outcome === 'written' ? { keys: 1, bytes: entryBytes(entry) } : { refused: outcome };
}

/** @returns 1, or 0 when a set of a later read stays */
const replaceSmallSet = (redis: RedisClient, entry: CacheEntry, readAt: number): Promise<number> =>
  runScript(redis, REPLACE_SET, [
    { keys: [entry.key, fenceKey(entry.key)], args: [readAt, entry.ttlSeconds, ...addCommand(entry)] },
  ]);

/** @returns 1, or 0 when a set of a later read stays */
async function replaceStaged(redis: RedisClient, entry: SetEntry, readAt: number): Promise<number> {
  // each writer has its own key: a warm and a miss may replace the same set at the same time
  const staging = stagingKey(entry.key, randomUUID());
  try {
    for (const piece of inPieces(entry))
      await runScript(redis, WRITE_MEMBERS, [writeMembersCall(staging, piece, 'add')]);
    const renamed = await runScript(redis, RENAME_IF_COMPLETE, [
      {
        keys: [entry.key, fenceKey(entry.key), staging],
        args: [
          ...[readAt, entry.ttlSeconds, countCommand[entry.type], distinctMembers(entry)],
          redis instanceof Cluster ? '1' : '0',
        ],
      },
    ]);
    if (renamed === -1) throw new IncompleteSetError(entry.key);
    return renamed;
  } catch (error) {
    // Free the memory of an incomplete set at once. If the writer dies, the key expires by its TTL.
    await redis.unlink(staging).catch(() => {});
    throw error;
  }
}

/** Removes a set that no longer has members, unless a later read wrote it. @returns how many were removed: 0 or 1 */
export const removeSet = (redis: RedisClient, key: string, readAt: number): Promise<number> =>
  removeSets(redis, [key], readAt);

/** Like `removeSet`, for several keys. @returns how many were removed */
export const removeSets = (redis: RedisClient, keys: readonly string[], readAt: number): Promise<number> =>
  runScript(
    redis,
    REMOVE_SET,
    keys.map((key) => ({ keys: [key, fenceKey(key)], args: [readAt] })),
  );

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

/** The number of members in Redis: a sorted set drops duplicates. */
function distinctMembers(entry: SetEntry): number {
  return entry.type === 'zset' ? new Set(entry.members.map(([member]) => member)).size : entrySize(entry);
}
