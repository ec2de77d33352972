import { LRUCache } from 'lru-cache';
import type { RedisClient } from '../../clients/redis.ts';
import type { Switches } from '../../domain/entities/switches.ts';
import { createLeases } from './leases.ts';
import { createLoader, type FillableSource } from './load-and-fill.ts';
import type { LocalEntry, LocalTier } from './local-tier.ts';
import { lookUpTiers, type TieredResult } from './look-up-tiers.ts';
import { readControlled, type ReadControls } from './read-controls.ts';
import { createProblemReporter, type ReadProblem } from './read-problem.ts';
import type { Answer, ReadOutcome, ReadResult } from './read-result.ts';
import type { RedisCodec } from './redis-codec.ts';
import { createRefresh } from './refresh.ts';

/** How one kind of entity is read: where it is cached, and where its value comes from on a miss. */
export interface EntitySource<Id, T> extends FillableSource<Id, T> {
  readonly key: (id: Id) => string;
  readonly codec: RedisCodec<T>;
  /** Called with the id of each read that found a value, so unknown ids cannot grow a counter. */
  readonly onRead?: ((id: Id) => void) | undefined;
}

/** @param controls undefined accepts any answer */
export type ReadThrough<Id, T> = (id: Id, controls?: ReadControls) => Promise<ReadResult<T>>;

/** Reads several ids: one round trip to Redis, and misses share queries. One result for each id, which fails alone. */
export type ReadManyThrough<Id, T> = (
  ids: readonly Id[],
  controls?: ReadControls,
) => Promise<readonly PromiseSettledResult<ReadResult<T>>[]>;

/** The ways to read one kind of entity. */
export interface EntityReads<Id, T> {
  /** @throws SourceUnavailableError when Redis has no value and the source does not answer. @throws NotCachedError */
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
  /** What operators have switched; everything is on by default. */
  readonly switches?: (() => Pick<Switches, 'readThrough' | 'earlyRefresh'>) | undefined;
  /** Called with the outcome of each read of one or several ids. */
  readonly onOutcome?: ((outcome: ReadOutcome) => void) | undefined;
}

const NEGATIVE = { value: null, outcome: 'negative' } as const;

/** Ids that the source did not have are remembered this long, so that repeated reads do not query it each time. */
const UNKNOWN_SECONDS = 30;
/** Further ids push out the oldest, so that requests for random ids cannot fill the memory. */
const MAX_UNKNOWN = 10_000;

/** Cache-aside: reads the local tier, else Redis, else the source, and writes the source's value to Redis for the next reader. */
export function createReadThrough<Id, T>(
  source: EntitySource<Id, T>,
  { redis, localTier, now, onProblem, switches, onOutcome = () => {} }: ReadThroughDependencies,
): EntityReads<Id, T> {
  const reportProblem = createProblemReporter(source.name, onProblem);
  const share = createFlights<T>();
  const lease = createLeases(redis, (key, error) => reportProblem(key, 'lease', error));
  const unknownKeys = new LRUCache<string, true>({ max: MAX_UNKNOWN, ttl: UNKNOWN_SECONDS * 1000 });
  const { key, codec } = source;
  const counted = createReadCount(source, onOutcome);
  const onLocalRead = (id: Id) => void counted(id, { value: true, outcome: 'local-hit' });
  const tiers = { redis, localTier, key, codec, onRead: onLocalRead, reportProblem };
  const lookUpAll = (ids: readonly Id[]) => lookUpTiers(tiers, ids);
  const lookUpOne = async (id: Id): Promise<TieredResult<T>> =>
    (await lookUpAll([id]))[0] ?? { state: 'unreachable' };
  const lookAgain = async (id: Id): Promise<Answer<T> | undefined> => {
    // Its failures are those that the first look-up has reported.
    const [written] = await lookUpTiers({ ...tiers, reportProblem: () => {} }, [id]);
    return written !== undefined && isFound(written) ? foundAnswer(written) : undefined;
  };
  const mayQuery = () => switches?.().readThrough ?? true;
  const loader = createLoader(source, { redis, now, reportProblem, lookAgain, mayQuery });
  const refresh = createRefresh(source, { redis, loader, reportProblem, answerOf: foundAnswer });

  const remembered = (name: string, answer: Answer<T>): Answer<T> => {
    if (answer.value === null) unknownKeys.set(name, true);
    return answer;
  };

  /** After the look-up: negative cache → one process loads and fills, the others wait for it. */
  async function resolve(id: Id, key: string, cached: TieredResult<T>): Promise<Answer<T>> {
    if (isFound(cached)) return foundAnswer(cached);
    // After Redis, not before: readers see a value immediately after a warm or the hot path has written it.
    if (unknownKeys.has(key)) return NEGATIVE;
    const answer =
      cached.state === 'unreachable'
        ? { ...(await loader.load(id)), outcome: 'bypass' as const }
        : await lease(key, {
            look: () => lookAgain(id),
            work: () => loader.loadAndFill(id, key, cached),
            nothing: NEGATIVE,
            isNothing: ({ value }) => value === null,
          });
    return remembered(key, answer);
  }

  async function readFound(id: Id, found: TieredResult<T>, controls?: ReadControls) {
    const name = key(id);
    const load = () => share(name, () => resolve(id, name, found));
    const unknown = unknownKeys.has(name) ? NEGATIVE : undefined;
    const cached = isFound(found) ? foundAnswer(found) : unknown;
    if (controls === undefined) return isFound(found) ? { ...foundAnswer(found), collapsed: false } : load();
    return readControlled<ReadResult<T>>(controls, {
      entity: source.name,
      ttlSeconds: source.ttlSeconds,
      cached: cached && { ...cached, collapsed: false },
      load,
      refresh: () => share(`refresh ${name}`, async () => remembered(name, await refresh(id, name))),
    });
  }

  return {
    async read(id, controls) {
      const name = key(id);
      if (controls !== undefined) return counted(id, await readFound(id, await lookUpOne(id), controls));
      return counted(id, await share(name, async () => resolve(id, name, await lookUpOne(id))));
    },
    async readMany(ids, controls) {
      const cached = await lookUpAll(ids);
      return Promise.allSettled(
        ids.map(async (id, index) => {
          const found = cached[index];
          if (found === undefined) throw new Error('a look-up has no result');
          return counted(id, await readFound(id, found, controls));
        }),
      );
    },
    readCached: async (ids) => foundValues(ids, await lookUpAll(ids)),
  };
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
    const value = found !== undefined && isFound(found) ? foundAnswer(found).value : null;
    if (value !== null) values.set(id, value);
  });
  return values;
}

/** Concurrent reads of one key share one flight, its error included. */
function createFlights<T>() {
  const flights = new Map<string, Promise<Answer<T>>>();
  return async (key: string, start: () => Promise<Answer<T>>): Promise<ReadResult<T>> => {
    const running = flights.get(key);
    if (running !== undefined) return { ...(await running), collapsed: true };
    const flight = start().finally(() => flights.delete(key));
    flights.set(key, flight);
    return { ...(await flight), collapsed: false };
  };
}

type Found<T> = Extract<TieredResult<T>, { state: 'hit' | 'local-hit' }>;
const isFound = <T>(result: TieredResult<T>): result is Found<T> =>
  result.state === 'hit' || result.state === 'local-hit';

function foundAnswer<T>(found: Found<T>): Answer<T> {
  if (found.state === 'local-hit') return localAnswer(found.entry);
  const { value, ttlMs, updatedAt } = found;
  return { value, outcome: 'hit', ttlSeconds: Math.round(ttlMs / 1000), ...optionalTime(updatedAt) };
}

/** The answer to a read of a value that the local tier has. */
export const localAnswer = <T>(entry: LocalEntry<T>): Answer<T> => ({
  value: entry.value,
  outcome: 'local-hit',
  ttlSeconds: Math.max(0, Math.round((entry.expiresAt - performance.now()) / 1000)),
  ...optionalTime(entry.updatedAt),
  entry,
});

const optionalTime = (updatedAt: string | undefined) => (updatedAt === undefined ? {} : { updatedAt });

/** Whether the value was in a cache. */
export const isHit = ({ outcome }: Pick<ReadResult<unknown>, 'outcome'>): boolean =>
  outcome === 'hit' || outcome === 'local-hit';
