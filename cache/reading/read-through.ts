import { setMaxListeners } from 'node:events';
import type { RedisClient } from '../../clients/redis.ts';
import type { Switches } from '../../domain/entities/switches.ts';
import { createFlights } from '../../domain/values/flights.ts';
import type { LocalTier } from './local-tier.ts';
import {
  answerOf,
  expiryOf,
  isFound,
  lookUpTiers,
  type Found,
  type NotFound,
  type TieredResult,
} from './look-up-tiers.ts';
import { withSourceLimit } from './load-and-fill.ts';
import { readControlled, type Caller, type ReadControls } from './read-controls.ts';
import { createProblemReporter, type ReadProblem } from './read-problem.ts';
import type { Answer, ReadOutcome, ReadResult, WarmOfValue } from './read-result.ts';
import { createResolver, type ResolvableSource, type Resolver } from './resolve-read.ts';

/** How one kind of entity is cached and loaded. */
export interface EntitySource<Id, T> extends ResolvableSource<Id, T> {
  /** Called with the id of each read that found a value, so unknown ids cannot grow a counter. */
  readonly onRead?: ((id: Id) => void) | undefined;
  /** The last warm, if it wrote or confirmed a value. By default there is none. */
  readonly lastWarm?: ((key: string, updatedAt: string) => WarmOfValue | undefined) | undefined;
}

/** Reads one id. Rejects with the reason of the caller's signal when that aborts. */
export type ReadThrough<Id, T> = (id: Id, caller?: Caller) => Promise<ReadResult<T>>;

/** Reads several ids: one round trip to Redis, and misses share queries. Each id has its own result, also a failure. */
export type ReadManyThrough<Id, T> = (
  ids: readonly Id[],
  caller?: Caller,
) => Promise<readonly PromiseSettledResult<ReadResult<T>>[]>;

/** The ways to read one kind of entity. */
export interface EntityReads<Id, T> {
  /** @throws SourceUnavailableError when Redis has no value and the source does not answer. @throws NotCachedError */
  readonly read: ReadThrough<Id, T>;
  readonly readMany: ReadManyThrough<Id, T>;
  /** The values in Redis, in one round trip; empty if Redis does not answer. Never queries the source, and never rejects. */
  readonly readCached: (ids: readonly Id[]) => Promise<ReadonlyMap<Id, T>>;
}

export interface ReadThroughDependencies {
  readonly redis: RedisClient;
  /** Values in the memory of this process. If undefined, every read goes to Redis. */
  readonly localTier?: LocalTier | undefined;
  readonly now: () => Date;
  readonly onProblem: (problem: ReadProblem) => void;
  /** The switches of operators; everything is on by default. */
  readonly switches?: (() => Pick<Switches, 'readThrough' | 'earlyRefresh'>) | undefined;
  /** Timeout of a load of the source (s); 8 s by default. */
  readonly loadSeconds?: number | undefined;
  /** Called with the outcome of each read of one or several ids. */
  readonly onOutcome?: ((outcome: ReadOutcome) => void) | undefined;
}

/** A query takes 0.2 to 3 s. */
export const LOAD_SECONDS = 8;

const ALL_ON = { readThrough: true, earlyRefresh: true };

/** Cache-aside: reads the local tier, else Redis, else the source, and writes the source's value to Redis for the next reader. */
export function createReadThrough<Id, T>(
  source: EntitySource<Id, T>,
  {
    redis,
    localTier,
    now,
    onProblem,
    switches = () => ALL_ON,
    loadSeconds = LOAD_SECONDS,
    onOutcome = () => {},
  }: ReadThroughDependencies,
): EntityReads<Id, T> {
  const { key, codec } = source;
  const reportProblem = createProblemReporter(source.name, onProblem);
  const lookUps = createFlights<TieredResult<T>>(); // concurrent reads of a hot key share one command of Redis
  const counted = createReadCount(source, onOutcome);
  const onLocalRead = (id: Id, refreshBefore: number) => {
    counted(id, { value: true, outcome: 'local-hit' });
    resolver.refreshEarly(id, refreshBefore);
  };
  const tiers = { redis, localTier, key, codec, onRead: onLocalRead, reportProblem };
  const lookUpAll = (ids: readonly Id[]) => lookUpTiers(tiers, ids);
  const lookUpOne = async (id: Id): Promise<TieredResult<T>> =>
    (await lookUpAll([id]))[0] ?? { state: 'unreachable' };
  const lookAgain = async (id: Id): Promise<Answer<T> | undefined> => {
    // the first look-up has reported the failures already
    const [written] = await lookUpTiers({ ...tiers, reportProblem: () => {} }, [id]);
    return written !== undefined && isFound(written) ? answerOf(written) : undefined;
  };
  const resolver = createResolver(source, {
    ...{ redis, localTier, now, switches, loadSeconds, reportProblem, lookAgain },
    onLocalRead,
  });

  const answerFound = createAnswerFound(source, resolver, loadSeconds);
  const answer = async (id: Id, found: TieredResult<T>, caller: Caller) =>
    withLastWarm(source, id, counted(id, await answerFound(id, found, caller)));

  return {
    async read(id, caller = {}) {
      const found = await lookUps.share(key(id), () => lookUpOne(id));
      return answer(id, found, caller);
    },
    async readMany(ids, caller = {}) {
      const cached = await lookUpAll(ids);
      // each miss adds a listener
      if (caller.client !== undefined && !cached.every(isFound)) setMaxListeners(0, caller.client.signal);
      return Promise.allSettled(
        ids.map(async (id, index) => {
          const found = cached[index];
          if (found === undefined) throw new Error('a look-up has no result');
          return answer(id, found, caller);
        }),
      );
    },
    readCached: async (ids) => foundValues(ids, await lookUpAll(ids)),
  };
}

/** Answers with the value that a look-up found, unless the client demands a fresher one. A miss is resolved once for all its readers. */
function createAnswerFound<Id, T>(
  source: Pick<EntitySource<Id, T>, 'name' | 'key' | 'ttlSeconds' | 'lastWarm'>,
  resolver: Resolver<Id, T>,
  loadSeconds: number,
): (id: Id, found: TieredResult<T>, caller: Caller) => Promise<ReadResult<T>> {
  const { name: entity, key, ttlSeconds } = source;
  const { share } = createFlights<Answer<T>>();

  const resolve = (
    id: Id,
    found: NotFound<T>,
    { client }: Caller,
    mayBeStale: boolean,
  ): Promise<ReadResult<T>> => {
    const name = key(id);
    const load = ({ signal }: { readonly signal: AbortSignal }) =>
      resolver.resolve(id, name, found, { mayBeStale, signal });
    // A client that accepts no stale value must not share a stale answer. Both kinds of clients share the load.
    return share(mayBeStale ? `stale ${name}` : name, load, client?.signal);
  };

  const refresh = async (id: Id, name: string, client: AbortSignal): Promise<ReadResult<T>> => {
    const run = () => share(`refresh ${name}`, ({ signal }) => resolver.refresh(id, name, signal), client);
    const refreshed = await run();
    // The shared refresh began before this request, and the client may know of a later change. The next refresh begins after it.
    return refreshed.collapsed ? run() : refreshed;
  };

  const answerControlled = async (
    id: Id,
    found: TieredResult<T>,
    controls: ReadControls,
    caller: Caller,
  ): Promise<ReadResult<T>> => {
    const name = key(id);
    const cached = isFound(found)
      ? answerOf(found)
      : ((await resolver.remembered(name)) ??
        (await resolver.stale(id, name, found, { mayLoad: !controls.onlyIfCached })));
    const ownResult = (answer: Answer<T> | undefined) =>
      answer && withLastWarm(source, id, { ...answer, collapsed: false });
    return readControlled<ReadResult<T>>(controls, {
      ...{ entity, ttlSeconds, cached: ownResult(cached) },
      ofEvent: async () => ownResult(await resolver.ofEvent(name)),
      load: () => (isFound(found) ? Promise.resolve(resultOf(found)) : resolve(id, found, caller, false)),
      refresh: () =>
        withSourceLimit(
          { entity, seconds: loadSeconds },
          (signal) => refresh(id, name, signal),
          caller.client?.signal,
        ),
    });
  };

  return async (id, found, caller) => {
    if (isFound(found)) resolver.refreshEarly(id, expiryOf(found));
    if (caller.controls !== undefined) return answerControlled(id, found, caller.controls, caller);
    return isFound(found) ? resultOf(found) : resolve(id, found, caller, true);
  };
}

const resultOf = <T>(found: Found<T>): ReadResult<T> => ({ ...answerOf(found), collapsed: false });

function withLastWarm<Id, T>(
  { key, lastWarm }: Pick<EntitySource<Id, T>, 'key' | 'lastWarm'>,
  id: Id,
  result: ReadResult<T>,
): ReadResult<T> {
  const { updatedAt } = result;
  if (lastWarm === undefined || updatedAt === undefined) return result;
  return { ...result, lastWarm: () => lastWarm(key(id), updatedAt) };
}

/** Counts each read by its outcome, and the ids of those that found a value. Returns the read. */
const createReadCount =
  <Id>({ onRead }: Pick<EntitySource<Id, unknown>, 'onRead'>, onOutcome: (outcome: ReadOutcome) => void) =>
  <R extends Pick<ReadResult<unknown>, 'value' | 'outcome'>>(id: Id, result: R): R => {
    onOutcome(result.outcome);
    if (result.value !== null) onRead?.(id);
    return result;
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
