import type { RedisClient } from '../../clients/redis.ts';
import { raiseRemovalFence } from '../writing/read-fence.ts';
import type { DeletableKind } from './cache-kinds.ts';
import { readCacheStatus, type CacheStatus } from './cache-status.ts';
import { eraseKol, type ErasedKol } from './erase-kol.ts';
import { invalidate } from './invalidate.ts';

/** What operators can see and change of the cache. Each call rejects with what Redis answered. */
export interface CacheAdmin {
  /** Concurrent calls share one scan. */
  readonly status: () => Promise<CacheStatus>;
  readonly invalidate: (
    kinds: readonly DeletableKind[],
    ids: readonly string[] | undefined,
  ) => Promise<Readonly<Record<string, number>>>;
  readonly eraseKol: (kolId: string) => Promise<ErasedKol>;
}

export function createCacheAdmin(redis: RedisClient): CacheAdmin {
  let running: Promise<CacheStatus> | undefined;
  /** Raises the fence of all keys after a deletion, so that no API process serves a deleted value from its memory as stale. */
  const fenced = async <T>(deletion: Promise<T>): Promise<T> => {
    const deleted = await deletion;
    await raiseRemovalFence(redis);
    return deleted;
  };
  return {
    status: () => (running ??= readCacheStatus(redis).finally(() => (running = undefined))),
    invalidate: (kinds, ids) => fenced(invalidate(redis, kinds, ids)),
    eraseKol: (kolId) => fenced(eraseKol(redis, kolId)),
  };
}
