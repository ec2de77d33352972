import { LRUCache } from 'lru-cache';
import type { RedisClient } from '../../clients/redis.ts';
import { isRefreshDue } from '../../domain/values/refresh-due.ts';
import type { Leases } from './leases.ts';
import type { CacheMiss } from './fill-entry.ts';
import { isNothing, type Loader } from './load-and-fill.ts';
import { lookUp, type CacheHit } from './look-up.ts';
import { foundAnswer, NEGATIVE, type Answer } from './read-result.ts';
import type { RedisCodec } from './redis-codec.ts';

/** A key is not tried again so soon, for example while the lakehouse fails. */
const RETRY_SECONDS = 5;
const MAX_TRIED = 10_000;

/** A value whose key now expires later than this (ms) was refreshed by another process. A renewal of the TTL alone counts too. */
const LATER_MS = 1000;

/** Refreshes values that are read shortly before they expire, so that readers of a hot key do not wait when it does. */
interface EarlyRefresh<Id, T> {
  /** Whether this read of a value refreshes it. */
  readonly isDue: (id: Id, expiresAt: number) => boolean;
  /** Reads the source and replaces the value, unless another process does. */
  readonly refresh: (id: Id, expiresAt: number, signal: AbortSignal) => Promise<Answer<T>>;
}

interface RefreshedSource<Id, T> {
  readonly key: (id: Id) => string;
  readonly codec: RedisCodec<T>;
}

export function createEarlyRefresh<Id, T>(
  { key: keyOf, codec }: RefreshedSource<Id, T>,
  {
    redis,
    loader,
    lease,
  }: { readonly redis: RedisClient; readonly loader: Loader<Id, T>; readonly lease: Leases },
): EarlyRefresh<Id, T> {
  const tried = new LRUCache<string, true>({ max: MAX_TRIED, ttl: RETRY_SECONDS * 1000 });

  /** Whether a value is still the one that was to be refreshed. */
  const isStillDue = (found: CacheHit<T>, expiresAt: number) =>
    found.expiresAt < expiresAt + LATER_MS && !codec.isFromEvent(found.reply, found.value);

  return {
    isDue(id, expiresAt) {
      if (!isRefreshDue(expiresAt - performance.now(), loader.costMs(), Math.random)) return false;
      const key = keyOf(id);
      if (tried.has(key)) return false;
      tried.set(key, true);
      return true;
    },
    async refresh(id, expiresAt, signal) {
      const key = keyOf(id);
      let seen: CacheMiss = { state: 'absent' };
      return lease(key, {
        async look() {
          // The first look-up has reported what is wrong with the value.
          const [found] = await lookUp(redis, codec, [key], () => {});
          if (found === undefined || found.state === 'unreachable') return undefined;
          if (found.state !== 'hit') {
            seen = found;
            return undefined;
          }
          seen = { state: 'outdated', reply: found.reply };
          return isStillDue(found, expiresAt) ? undefined : foundAnswer(found);
        },
        work: () => loader.loadAndFill(id, key, seen, signal),
        nothing: NEGATIVE,
        isNothing,
        signal,
      });
    },
  };
}
