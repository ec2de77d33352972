import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { luaScript, runScript, splitIntoCalls } from '../redis/run-commands.ts';
import { scanMovingKeys } from '../redis/scan-entities.ts';
import { isLease, leaseKey } from '../reading/leases.ts';
import { raiseFences, raiseRemovalFence } from '../writing/raise-fences.ts';
import { keysOfId, kindOfKey, type DeletableKind } from './cache-kinds.ts';

const KEYS_PER_CALL = 1000;

/**
 * Deletes keys. @returns how many existed
 * KEYS: the keys. ARGV: none
 */
const UNLINK = luaScript(`return redis.call('UNLINK', unpack(KEYS))`);

/** Deletes keys in any slot. @returns how many existed. @throws the first error from Redis */
export async function unlinkKeys(redis: RedisClient, keys: readonly string[]): Promise<number> {
  const calls = splitIntoCalls(redis, keys, KEYS_PER_CALL).map((chunk) => ({ keys: chunk, args: [] }));
  return calls.length === 0 ? 0 : runScript(redis, UNLINK, calls);
}

/**
 * Raises fences before and after a deletion.
 * - Before: a write in flight is refused, or its key exists when the deletion looks for it.
 * - After: a value that was read before the deletion, and whose key then expired, is not served as stale.
 */
export async function betweenFences<T>(raise: () => Promise<void>, deletion: () => Promise<T>): Promise<T> {
  await raise();
  const deleted = await deletion();
  await raise();
  return deleted;
}

/**
 * Deletes all keys of these kinds, so that the next read or warm reads the lakehouse. It also deletes leases, because a lease can store for
 * some time that an id does not exist.
 * @returns how many keys were deleted, by kind
 * @throws the first error from Redis
 */
export function invalidateKinds(
  redis: RedisClient,
  kinds: readonly DeletableKind[],
): Promise<Record<string, number>> {
  const deleted = Object.fromEntries(kinds.map((kind) => [kind, 0]));
  return betweenFences(
    () => raiseRemovalFence(redis),
    async () => {
      for await (const keys of scanMovingKeys(redis)) {
        await unlinkKeys(redis, keys.filter(isLease));
        for (const kind of kinds) {
          const ofKind = keys.filter((key) => kindOfKey(key) === kind);
          deleted[kind] = (deleted[kind] ?? 0) + (await unlinkKeys(redis, ofKind));
        }
      }
      return deleted;
    },
  );
}

/**
 * Deletes the keys of these ids, for the kinds that have ids, and their leases. Fills of other ids continue.
 * @returns how many keys were deleted, by kind
 * @throws the first error from Redis
 */
export async function invalidateIds(
  redis: RedisClient,
  kinds: readonly DeletableKind[],
  ids: readonly string[],
): Promise<Record<string, number>> {
  const keys = kinds.map((kind) => ids.flatMap((id) => keysOfId(kind, id)));
  const deleted = await betweenFences(
    async () => raiseFences(redis, keys.flat(), await readRedisTime(redis)),
    async () => {
      await unlinkKeys(redis, keys.flat().map(leaseKey));
      return Promise.all(keys.map((ofKind) => unlinkKeys(redis, ofKind)));
    },
  );
  return Object.fromEntries(kinds.map((kind, index) => [kind, deleted[index] ?? 0]));
}
