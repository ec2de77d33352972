import type { RedisClient } from '../../clients/redis.ts';
import { inChunks } from '../../domain/values/chunks.ts';
import { luaScript, runScript, splitIntoCalls } from '../redis/lua-script.ts';
import { scanKeys } from '../redis/scan-entities.ts';
import { keysOfId, kindOfKey, type DeletableKind } from './cache-kinds.ts';

const KEYS_PER_CALL = 1000;

/**
 * Deletes keys. @returns how many existed
 * KEYS: the keys. ARGV: none
 */
const UNLINK = luaScript(`return redis.call('UNLINK', unpack(KEYS))`);

/** Deletes keys in any slot. @returns how many existed. @throws the first error that Redis answered */
export async function unlinkKeys(redis: RedisClient, keys: readonly string[]): Promise<number> {
  const calls = splitIntoCalls(redis, keys, KEYS_PER_CALL).map((chunk) => ({ keys: chunk, args: [] }));
  return calls.length === 0 ? 0 : runScript(redis, UNLINK, calls);
}

/**
 * Deletes what is cached of these kinds, so that the next read or warm reads the lakehouse.
 * @param ids undefined for all keys of the kinds; otherwise only those of kinds with ids are deleted
 * @returns how many keys were deleted, by kind
 * @throws the first error that Redis answered
 */
export async function invalidate(
  redis: RedisClient,
  kinds: readonly DeletableKind[],
  ids: readonly string[] | undefined,
): Promise<Record<string, number>> {
  const deleted = Object.fromEntries(kinds.map((kind) => [kind, 0]));
  const unlink = async (kind: string, keys: readonly string[]) => {
    for (const chunk of inChunks(keys, KEYS_PER_CALL))
      deleted[kind] = (deleted[kind] ?? 0) + (await unlinkKeys(redis, chunk));
  };
  if (ids !== undefined) {
    for (const kind of kinds)
      await unlink(
        kind,
        ids.flatMap((id) => keysOfId(kind, id)),
      );
    return deleted;
  }
  for await (const keys of scanKeys(redis))
    for (const kind of kinds)
      await unlink(
        kind,
        keys.filter((key) => kindOfKey(key) === kind),
      );
  return deleted;
}
