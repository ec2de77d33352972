import { LRUCache } from 'lru-cache';
import type { RedisClient } from '../../clients/redis.ts';
import { createEarlyRefresh } from './early-refresh.ts';
import { createLeases } from './leases.ts';
import { createLoader, type FillableSource } from './load-and-fill.ts';
import type { LocalTier } from './local-tier.ts';
import { lookUpTiers, type TieredResult } from './look-up-tiers.ts';
import { createProblemReporter, type ReadProblem, type ReportProblem } from './read-problem.ts';
import {
  foundAnswer,
  localAnswer,
  NEGATIVE,
  type Answer,
  type ReadOutcome,
  type ReadResult,
} from './read-result.ts';
import type { RedisCodec } from './redis-codec.ts';
import { staleAnswer } from './stale-answer.ts';

/** How one kind of entity is read: where it is cached, and where its value comes from on a miss. */
export interface EntitySource<Id, T> extends FillableSource<Id, T> {
  readonly key: (id: Id) => string;
  readonly codec: RedisCodec<T>;
  /** Called with the id of each read that found a value, so unknown ids cannot grow a counter. */
  readonly onRead?: ((id: Id) => void) | undefined;
  /** Whether the source may replace this reply of Redis before it expires. By default it may. */
  readonly isRefreshable?: ((reply: unknown) => boolean) | undefined;
  /** False for an id that is known not to exist. By default the source is asked. Never rejects. */
  readonly mayExist?: ((id: Id) => Promise<boolean>) | undefined;
}

export type ReadThrough<Id, T> = (id: Id) => Promise<ReadResult<T>>;

/** Reads several ids: one round trip to Redis, and misses share queries. One result for each id, which fails alone. */
export type ReadManyThrough<Id, T> = (
  ids: readonly Id[],
) => Promise<readonly PromiseSettledResult<ReadResult<T>>[]>;

/** The ways to read one kind of entity. */
export interface EntityReads<Id, T> {
  /** @throws SourceUnavailableError when Redis has no value and the source does not answer */
  readonly read: ReadThrough<Id, T>;
  readonly readMany: ReadManyThrough<Id, T>;
  /** The values that Redis holds, in one round trip; none without Redis. It never queries the source, and never rejects. */
  readonly readCached: (ids: readonly Id[]) => Promise<ReadonlyMap<Id, T>>;
}

export interface ReadThroughDependencies {
  readonly redis: RedisClient;
  /** Values in the memory of this process; undefined reads Redis each time. */
  readonly localTier?: LocalTier | undefined;
  readonly now: () => Date;
  readonly onProblem: (problem: ReadProblem) => void;
  /** Called with the outcome of each read of one or several ids. */
  readonly onOutcome?: ((outcome: ReadOutcome) => void) | undefined;
}

/** Ids that the source did not have are remembered this long, so that repeated reads do not query it each time. */
const UNKNOWN_SECONDS = 30;
/** Further ids push out the oldest, so that requests for random ids cannot fill the memory. */
const MAX_UNKNOWN = 10_000;

/** Cache-aside: reads the local tier, else Redis, else the source, and writes the source's value to Redis for the next reader. */
export function createReadThrough<Id, T>(
  source: EntitySource<Id, T>,
  { redis, localTier, now, onProblem, onOutcome = () => {} }: ReadThroughDependencies,
): EntityReads<Id, T> {
  const { key, codec } = source;
  const reportProblem = createProblemReporter(source.name, onProblem);
  const share = createFlights<T>().share;
  const count = createReadCount(source, onOutcome);
  const onLocalRead = (id: Id, { expiresAt }: { readonly expiresAt: number }) => {
    count(id, { value: true, outcome: 'local-hit' });
    refreshEarly(id, expiresAt);
  };
  const tiers = { redis, localTier, key, codec, onRead: onLocalRead, reportProblem };
  const lookUpAll = (ids: readonly Id[]) => lookUpTiers(tiers, ids);
  const lookUpOne = async (id: Id): Promise<TieredResult<T>> =>
    (await lookUpAll([id]))[0] ?? { state: 'unreachable' };
  const lookAgain = async (id: Id): Promise<Answer<T> | undefined> => {
    // Its failures are those that the first look-up has reported.
    const [written] = await lookUpTiers({ ...tiers, reportProblem: () => {} }, [id]);
    return written !== undefined && isFound(written) ? answerOf(written) : undefined;
  };
  const { resolve, refreshEarly } = createResolver(source, {
    redis,
    localTier,
    now,
    reportProblem,
    lookAgain,
  });

  function counted(id: Id, result: ReadResult<T>): ReadResult<T> {
    count(id, result);
    return result;
  }

  return {
    async read(id) {
      const name = key(id);
      return counted(id, await share(name, async () => resolve(id, name, await lookUpOne(id))));
    },
    async readMany(ids) {
      const cached = await lookUpAll(ids);
      return Promise.allSettled(
        ids.map(async (id, index) => {
          const [name, found] = [key(id), cached[index]];
          if (found === undefined) throw new Error('a look-up has no result');
          if (isFound(found)) return counted(id, { ...(await resolve(id, name, found)), collapsed: false });
          return counted(id, await share(name, () => resolve(id, name, found)));
        }),
      );
    },
    readCached: async (ids) => foundValues(ids, await lookUpAll(ids)),
  };
}

/** What happens after a look-up. */
interface Resolver<Id, T> {
  /** negative cache → known ids → stale value, or one process loads and fills, and the others wait for it */
  readonly resolve: (id: Id, key: string, cached: TieredResult<T>) => Promise<Answer<T>>;
  /** Perhaps refreshes a value in the background that was read now. */
  readonly refreshEarly: (id: Id, expiresAt: number) => void;
}

interface ResolverDependencies<Id, T> extends Pick<ReadThroughDependencies, 'redis' | 'localTier' | 'now'> {
  readonly reportProblem: ReportProblem;
  readonly lookAgain: (id: Id) => Promise<Answer<T> | undefined>;
}

function createResolver<Id, T>(
  source: EntitySource<Id, T>,
  { redis, localTier, now, reportProblem, lookAgain }: ResolverDependencies<Id, T>,
): Resolver<Id, T> {
  const loads = createFlights<T>();
  const lease = createLeases(redis, (key, error) => reportProblem(key, 'lease', error));
  const loader = createLoader(source, { redis, now, reportProblem, lookAgain });
  const early = createEarlyRefresh(source, { redis, loader, lease });
  const unknownKeys = new LRUCache<string, true>({ max: MAX_UNKNOWN, ttl: UNKNOWN_SECONDS * 1000 });

  /** Joins the load of the key that runs, or starts one. */
  const load = (key: string, start: () => Promise<Answer<T>>): Promise<Answer<T>> =>
    loads.share(key, async () => {
      const answer = await start();
      if (answer.value !== null) return answer;
      unknownKeys.set(key, true);
      return dropped(key, answer);
    });

  const loadInBackground = (key: string, start: () => Promise<Answer<T>>): void => {
    if (!loads.isRunning(key)) load(key, start).catch((error) => reportProblem(key, 'refresh', error));
  };

  const refreshEarly = (id: Id, expiresAt: number): void => {
    if (early.isDue(id, expiresAt)) loadInBackground(source.key(id), () => early.refresh(id, expiresAt));
  };

  /** A value that does not exist must not be served when it is stale. */
  const dropped = (key: string, answer: Answer<T>): Answer<T> => {
    localTier?.drop(key);
    return answer;
  };

  const loadMissing = async (id: Id, key: string, cached: NotFound<T>): Promise<Answer<T>> =>
    cached.state === 'unreachable'
      ? { ...(await loader.load(id)), outcome: 'bypass' }
      : lease(key, {
          look: () => lookAgain(id),
          work: () => loader.loadAndFill(id, key, cached),
          nothing: NEGATIVE,
          isNothing: ({ value }) => value === null,
        });

  async function staleOf(key: string): Promise<Answer<T> | undefined> {
    const entry = localTier?.stale<T>(key);
    try {
      return entry && (await staleAnswer(redis, key, entry));
    } catch (error) {
      reportProblem(key, 'stale', error);
      return undefined;
    }
  }

  return {
    refreshEarly,
    async resolve(id, key, cached) {
      if (isFound(cached)) {
        refreshEarly(id, expiryOf(cached));
        return answerOf(cached);
      }
      // After Redis, not before: readers see a value immediately after a warm or the hot path has written it.
      if (unknownKeys.has(key)) return dropped(key, NEGATIVE);
      const start = () => loadMissing(id, key, cached);
      if (cached.state !== 'absent') return load(key, start);
      if ((await source.mayExist?.(id)) === false) return dropped(key, NEGATIVE);
      const stale = await staleOf(key);
      if (stale === undefined) return load(key, start);
      loadInBackground(key, start);
      return stale;
    },
  };
}

/** Counts each read by its outcome, and the ids of those that found a value. */
const createReadCount =
  <Id>({ onRead }: Pick<EntitySource<Id, unknown>, 'onRead'>, onOutcome: (outcome: ReadOutcome) => void) =>
  (id: Id, { value, outcome }: Pick<ReadResult<unknown>, 'value' | 'outcome'>): void => {
    onOutcome(outcome);
    if (value !== null) onRead?.(id);
  };

/** The values that were found, by id. */
function foundValues<Id, T>(ids: readonly Id[], results: readonly TieredResult<T>[]): Map<Id, T> {
  const values = new Map<Id, T>();
  ids.forEach((id, index) => {
    const found = results[index];
    const value = found !== undefined && isFound(found) ? answerOf(found).value : null;
    if (value !== null) values.set(id, value);
  });
  return values;
}

/** Concurrent work for one key shares one flight, its error included. */
function createFlights<T>() {
  const flights = new Map<string, Promise<Answer<T>>>();
  return {
    share: async (key: string, start: () => Promise<Answer<T>>): Promise<ReadResult<T>> => {
      const running = flights.get(key);
      if (running !== undefined) return { ...(await running), collapsed: true };
      const flight = start().finally(() => flights.delete(key));
      flights.set(key, flight);
      return { ...(await flight), collapsed: false };
    },
    isRunning: (key: string) => flights.has(key),
  };
}

type Found<T> = Extract<TieredResult<T>, { state: 'hit' | 'local-hit' }>;
type NotFound<T> = Exclude<TieredResult<T>, Found<T>>;
const isFound = <T>(result: TieredResult<T>): result is Found<T> =>
  result.state === 'hit' || result.state === 'local-hit';

const answerOf = <T>(found: Found<T>): Answer<T> =>
  found.state === 'local-hit' ? localAnswer(found.entry) : foundAnswer(found);
const expiryOf = <T>(found: Found<T>): number =>
  found.state === 'local-hit' ? found.entry.expiresAt : found.expiresAt;
