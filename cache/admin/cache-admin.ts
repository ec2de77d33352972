import type { RedisClient } from '../../clients/redis.ts';
import type { DeletableKind } from './cache-kinds.ts';
import { readCacheStatus, type CacheStatus } from './cache-status.ts';
import { eraseKol, type ErasedKol } from './erase-kol.ts';
import { invalidateIds, invalidateKinds } from './invalidate.ts';

/** Status and deletion of the cache, for operators. Each call rejects with the error from Redis. */
export interface CacheAdmin {
  /** Concurrent calls share one scan. */
  readonly status: () => Promise<CacheStatus>;
  /** @param ids undefined for all keys of the kinds; otherwise only those of kinds with ids are deleted. @returns keys by kind */
  readonly invalidate: (
    kinds: readonly DeletableKind[],
    ids: readonly string[] | undefined,
  ) => Promise<Readonly<Record<string, number>>>;
  readonly eraseKol: (kolId: string) => Promise<ErasedKol>;
}

export function createCacheAdmin(redis: RedisClient): CacheAdmin {
  let running: Promise<CacheStatus> | undefined;
  return {
    status: () => (running ??= readCacheStatus(redis).finally(() => (running = undefined))),
    invalidate: (kinds, ids) =>
      ids === undefined ? invalidateKinds(redis, kinds) : invalidateIds(redis, kinds, ids),
    eraseKol: (kolId) => eraseKol(redis, kolId),
  };
}
