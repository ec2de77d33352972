import { LRUCache } from 'lru-cache';
import type { RedisClient } from '../../clients/redis.ts';
import type { Switches } from '../../domain/entities/switches.ts';
import { createEarlyRefresh } from './early-refresh.ts';
import { createFlights } from './flights.ts';
import { createLeases } from './leases.ts';
import { createLoader, isNothing, type FillableSource } from './load-and-fill.ts';
import type { LocalTier } from './local-tier.ts';
import { answerOf, expiryOf, isFound, type NotFound, type TieredResult } from './look-up-tiers.ts';
import type { ReportProblem } from './read-problem.ts';
import { NEGATIVE, type Answer } from './read-result.ts';
import type { RedisCodec } from './redis-codec.ts';
import { createRefresh } from './refresh.ts';
import { staleAnswer } from './stale-answer.ts';

/** Where the values of an entity come from, and how they are cached. */
export interface ResolvableSource<Id, T> extends FillableSource<Id, T> {
  readonly key: (id: Id) => string;
  readonly codec: RedisCodec<T>;
  /** False for an id that is known not to exist. By default the source is asked. Never rejects. */
  readonly mayExist?: ((id: Id) => Promise<boolean>) | undefined;
}

/** What happens after a look-up. */
export interface Resolver<Id, T> {
  /**
   * Negative cache → known ids → stale value, or one process loads and fills, and the others wait for it.
   * @param mayBeStale whether a stale value answers while it is refreshed
   */
  readonly resolve: (
    id: Id,
    key: string,
    cached: TieredResult<T>,
    options?: { readonly mayBeStale: boolean },
  ) => Promise<Answer<T>>;
  /** The answer for a key that the source did not have a moment ago. */
  readonly remembered: (key: string) => Answer<T> | undefined;
  /** Reads the source, and replaces what is cached. */
  readonly refresh: (id: Id, key: string) => Promise<Answer<T>>;
  /** Perhaps refreshes a value in the background that was read now. */
  readonly refreshEarly: (id: Id, expiresAt: number) => void;
}

interface ResolverDependencies<Id, T> {
  readonly redis: RedisClient;
  readonly localTier: LocalTier | undefined;
  readonly now: () => Date;
  readonly switches: () => Pick<Switches, 'readThrough' | 'earlyRefresh'>;
  readonly reportProblem: ReportProblem;
  readonly lookAgain: (id: Id) => Promise<Answer<T> | undefined>;
}

/** Ids that the source did not have are remembered this long, so that repeated reads do not query it each time. */
const UNKNOWN_SECONDS = 30;
/** Further ids push out the oldest, so that requests for random ids cannot fill the memory. */
const MAX_UNKNOWN = 10_000;

export function createResolver<Id, T>(
  source: ResolvableSource<Id, T>,
  { redis, localTier, now, switches, reportProblem, lookAgain }: ResolverDependencies<Id, T>,
): Resolver<Id, T> {
  const loads = createFlights<T>();
  const lease = createLeases(redis, (key, error) => reportProblem(key, 'lease', error));
  const mayQuery = () => switches().readThrough;
  const loader = createLoader(source, { redis, now, reportProblem, lookAgain, mayQuery });
  const early = createEarlyRefresh(source, { redis, loader, lease });
  const refresh = createRefresh(source, { redis, loader, reportProblem });
  const unknownKeys = new LRUCache<string, true>({ max: MAX_UNKNOWN, ttl: UNKNOWN_SECONDS * 1000 });

  /** A value that does not exist must not be served when it is stale. */
  const dropped = (key: string, answer: Answer<T>): Answer<T> => {
    localTier?.drop(key);
    return answer;
  };

  const noted = (key: string, answer: Answer<T>): Answer<T> => {
    if (!isNothing(answer)) return answer;
    unknownKeys.set(key, true);
    return dropped(key, answer);
  };

  /** Joins the load of the key that runs, or starts one. */
  const load = (key: string, start: () => Promise<Answer<T>>): Promise<Answer<T>> =>
    loads.share(key, async () => noted(key, await start()));

  const loadInBackground = (key: string, start: () => Promise<Answer<T>>): void => {
    if (!loads.isRunning(key)) load(key, start).catch((error) => reportProblem(key, 'refresh', error));
  };

  const loadMissing = async (id: Id, key: string, cached: NotFound<T>): Promise<Answer<T>> =>
    cached.state === 'unreachable'
      ? { ...(await loader.load(id)), outcome: 'bypass' }
      : lease(key, {
          look: () => lookAgain(id),
          work: () => loader.loadAndFill(id, key, cached),
          nothing: NEGATIVE,
          isNothing,
        });

  async function staleOf(key: string): Promise<Answer<T> | undefined> {
    const stale = localTier?.stale<T>(key);
    return stale && staleAnswer(redis, key, stale, reportProblem);
  }

  const refreshEarly = (id: Id, expiresAt: number): void => {
    const isOn = switches().earlyRefresh && mayQuery();
    if (isOn && early.isDue(id, expiresAt))
      loadInBackground(source.key(id), () => early.refresh(id, expiresAt));
  };

  const remembered = (key: string): Answer<T> | undefined => (unknownKeys.has(key) ? NEGATIVE : undefined);

  return {
    refreshEarly,
    remembered,
    refresh: async (id, key) => noted(key, await refresh(id, key)),
    async resolve(id, key, cached, { mayBeStale } = { mayBeStale: true }) {
      if (isFound(cached)) {
        refreshEarly(id, expiryOf(cached));
        return answerOf(cached);
      }
      // After Redis, not before: readers see a value immediately after a warm or the hot path has written it.
      const unknown = remembered(key);
      if (unknown !== undefined) return dropped(key, unknown);
      const start = () => loadMissing(id, key, cached);
      if (cached.state !== 'absent') return load(key, start);
      if ((await source.mayExist?.(id)) === false) return dropped(key, NEGATIVE);
      const stale = mayBeStale ? await staleOf(key) : undefined;
      if (stale === undefined) return load(key, start);
      if (mayQuery()) loadInBackground(key, start);
      return stale;
    },
  };
}
