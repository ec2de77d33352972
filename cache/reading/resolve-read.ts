import { LRUCache } from 'lru-cache';
import type { RedisClient } from '../../clients/redis.ts';
import type { Switches } from '../../domain/entities/switches.ts';
import { createFlights } from '../../domain/values/flights.ts';
import { isRefreshDue } from '../../domain/values/refresh-due.ts';
import { createLeases } from './leases.ts';
import { createLoader, isNothing, withSourceLimit, type FillableSource } from './load-and-fill.ts';
import type { LocalTier } from './local-tier.ts';
import type { NotFound } from './look-up-tiers.ts';
import type { ReportProblem } from './read-problem.ts';
import { NEGATIVE, type Answer } from './read-result.ts';
import { createRefreshes } from './refresh.ts';
import { removedSince } from './removed-since.ts';
import { staleAnswer } from './stale-answer.ts';

/** How the values of an entity are loaded and cached. */
export interface ResolvableSource<Id, T> extends FillableSource<Id, T> {
  readonly key: (id: Id) => string;
  /** False for an id that is known not to exist. By default the source is queried. Never rejects. */
  readonly mayExist?: ((id: Id, signal: AbortSignal) => Promise<boolean>) | undefined;
}

/** The steps after a look-up that found no value. */
export interface Resolver<Id, T> {
  /**
   * Negative cache → known ids and platforms → stale value, or load and fill under a lease.
   * @param mayBeStale whether to answer with a stale value while it is refreshed
   * @param signal aborts when no caller waits for the answer
   */
  readonly resolve: (
    id: Id,
    key: string,
    cached: NotFound<T>,
    options: { readonly mayBeStale: boolean; readonly signal: AbortSignal },
  ) => Promise<Answer<T>>;
  /**
   * The stale value of a key that Redis does not have. Never rejects.
   * @param mayLoad whether to load the value in the background
   */
  readonly stale: (
    id: Id,
    key: string,
    cached: NotFound<T>,
    options: { readonly mayLoad: boolean },
  ) => Promise<Answer<T> | undefined>;
  /** The answer for a key that did not exist in the source recently. Never rejects. */
  readonly remembered: (key: string) => Promise<Answer<T> | undefined>;
  /** The value of a key in Redis if events wrote it. It is newer than the source, so it is not refreshed. Never rejects. */
  readonly ofEvent: (key: string) => Promise<Answer<T> | undefined>;
  /** Reads the source, and replaces the cached value. */
  readonly refresh: (id: Id, key: string, signal: AbortSignal) => Promise<Answer<T>>;
  /** Refreshes a value in the background, with a probability that grows towards its expiry. */
  readonly refreshEarly: (id: Id, expiresAt: number) => void;
}

/** @param signal aborts when no caller waits for the value */
type Load<T> = (signal: AbortSignal) => Promise<Answer<T>>;

interface ResolverDependencies<Id, T> {
  readonly redis: RedisClient;
  readonly localTier: LocalTier | undefined;
  readonly now: () => Date;
  readonly switches: () => Pick<Switches, 'readThrough' | 'earlyRefresh'>;
  /** Timeout of a load (s), including the wait for another process. */
  readonly loadSeconds: number;
  readonly reportProblem: ReportProblem;
  readonly lookAgain: (id: Id) => Promise<Answer<T> | undefined>;
  /** Called for each later read of a value that was kept without Redis. */
  readonly onLocalRead: (id: Id, refreshBefore: number) => void;
}

/** Minimum time between two background loads of a key, for example while the lakehouse fails. */
const BACKGROUND_PAUSE_SECONDS = 5;
const MAX_PAUSED = 10_000;

/** TTL of the negative cache: repeated reads of an id that does not exist start no query. */
const UNKNOWN_SECONDS = 30;
/** Size limit of the negative cache, so that requests for random ids cannot fill the memory. */
const MAX_UNKNOWN = 10_000;

export function createResolver<Id, T>(
  source: ResolvableSource<Id, T>,
  {
    redis,
    localTier,
    now,
    switches,
    loadSeconds,
    reportProblem,
    lookAgain,
    onLocalRead,
  }: ResolverDependencies<Id, T>,
): Resolver<Id, T> {
  const loads = createFlights<Answer<T>>();
  const lease = createLeases({
    ...{ redis, localTier },
    onProblem: (key, error) => reportProblem(key, 'lease', error),
  });
  const mayQuery = () => switches().readThrough;
  const loader = createLoader(source, { redis, now, reportProblem, lookAgain, mayQuery });
  const refreshes = createRefreshes<Id, T>(source.codec, { redis, loader, lease, reportProblem });
  const { begin, dropped, remembered } = createMemory(source, { redis, localTier, onLocalRead });

  const limit = { entity: source.name, seconds: loadSeconds };
  /** Joins the running load of the key, or starts one. */
  const load = (id: Id, key: string, start: Load<T>, signal?: AbortSignal): Promise<Answer<T>> =>
    loads.share(
      key,
      async (flight) => begin(id, key)(await withSourceLimit(limit, start, flight.signal)),
      signal,
    );

  const loadInBackground = createBackgroundLoads(load, loads.isRunning, reportProblem);

  const loadMissing = async (
    id: Id,
    key: string,
    cached: NotFound<T>,
    signal: AbortSignal,
  ): Promise<Answer<T>> =>
    cached.state === 'unreachable'
      ? { ...(await loader.load(id, signal)), outcome: 'bypass', unstored: true }
      : lease(key, {
          look: () => lookAgain(id),
          work: () => loader.loadAndFill(id, key, cached, signal),
          ...{ nothing: NEGATIVE, isNothing, signal },
        });

  const stale: Resolver<Id, T>['stale'] = async (id, key, cached, { mayLoad }) => {
    const entry = cached.state === 'absent' ? localTier?.stale<T>(key) : undefined;
    const answer = entry && (await staleAnswer(redis, key, entry, reportProblem));
    if (answer !== undefined && mayLoad && mayQuery())
      loadInBackground(id, key, (flight) => loadMissing(id, key, cached, flight));
    return answer;
  };

  const refreshEarly = (id: Id, expiresAt: number): void => {
    const isOn = switches().earlyRefresh && mayQuery();
    if (!isOn || !isRefreshDue(expiresAt - performance.now(), loader.costMs(), Math.random)) return;
    const key = source.key(id);
    loadInBackground(id, key, (signal) => refreshes.early(id, key, expiresAt, signal));
  };

  return {
    refreshEarly,
    remembered,
    stale,
    ofEvent: refreshes.ofEvent,
    refresh: async (id, key, signal) => begin(id, key)(await refreshes.onDemand(id, key, signal)),
    async resolve(id, key, cached, { mayBeStale, signal }) {
      // Checked after Redis, so that readers see a value immediately after a warm or the hot path has written it.
      const unknown = await remembered(key);
      if (unknown !== undefined) return dropped(key, unknown);
      // A known-ids filter is valid for one version of its table, and only the lakehouse knows the current version.
      if (mayQuery() && (await source.mayExist?.(id, signal)) === false) return dropped(key, NEGATIVE);
      const answer = mayBeStale ? await stale(id, key, cached, { mayLoad: true }) : undefined;
      return answer ?? load(id, key, (flight) => loadMissing(id, key, cached, flight), signal);
    },
  };
}

/** Starts loads in the background, which are never cancelled: one at a time for each key, with a pause before the next. */
function createBackgroundLoads<Id, T>(
  load: (id: Id, key: string, start: Load<T>) => Promise<Answer<T>>,
  isRunning: (key: string) => boolean,
  reportProblem: ReportProblem,
): (id: Id, key: string, start: Load<T>) => void {
  const paused = new LRUCache<string, true>({ max: MAX_PAUSED, ttl: BACKGROUND_PAUSE_SECONDS * 1000 });
  return (id, key, start) => {
    if (isRunning(key) || paused.has(key)) return;
    paused.set(key, true);
    load(id, key, start).catch((error: unknown) => reportProblem(key, 'refresh', error));
  };
}

/** State of this process: keys that do not exist in the source, and values that could not be written to Redis. */
function createMemory<Id, T>(
  { ttlSeconds }: ResolvableSource<Id, T>,
  { redis, localTier, onLocalRead }: Pick<ResolverDependencies<Id, T>, 'redis' | 'localTier' | 'onLocalRead'>,
) {
  /** The start of the load that did not find the key, on the clock of `performance.now`. */
  const unknownKeys = new LRUCache<string, number>({ max: MAX_UNKNOWN, ttl: UNKNOWN_SECONDS * 1000 });

  /** Drops the stale value of a key that does not exist any more. */
  const dropped = (key: string, answer: Answer<T>): Answer<T> => {
    localTier?.drop(key);
    return answer;
  };

  function keepUntracked(id: Id, key: string, { value, updatedAt }: Answer<T>): void {
    const readAt = performance.now();
    localTier?.keepUntracked(key, {
      ...{ value, updatedAt, readAt },
      expiresAt: readAt + ttlSeconds * 1000,
      // An estimate: texts take two bytes a character, and objects more than their JSON.
      bytes: 4 * JSON.stringify(value).length,
      onRead: (refreshBefore) => onLocalRead(id, refreshBefore),
    });
  }

  return {
    dropped,
    remembered: async (key: string): Promise<Answer<T> | undefined> => {
      const loadedAt = unknownKeys.get(key);
      if (loadedAt === undefined) return undefined;
      // After an operator has deleted the id, it must be read again. The look-up has already reported a failure of Redis.
      if (!(await removedSince(redis, key, loadedAt).catch(() => false))) return NEGATIVE;
      unknownKeys.delete(key);
      return undefined;
    },
    /** Begins a load. @returns a function that stores its answer and returns it */
    begin: (id: Id, key: string) => {
      const loadedAt = performance.now();
      return (answer: Answer<T>): Answer<T> => {
        if (answer.refused) return answer;
        if (isNothing(answer)) {
          // A negative answer of another process is not remembered, because the start of its load is unknown.
          if (answer.outcome !== 'negative') unknownKeys.set(key, loadedAt);
          return dropped(key, answer);
        }
        if (answer.unstored) keepUntracked(id, key, answer);
        return answer;
      };
    },
  };
}
