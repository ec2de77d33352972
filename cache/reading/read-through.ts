import { LRUCache } from 'lru-cache';
import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import type { CacheMiss, Fill } from './fill-entry.ts';
import type { LocalEntry, LocalTier } from './local-tier.ts';
import { lookUpTiers, type TieredResult } from './look-up-tiers.ts';
import { createProblemReporter, type ReadProblem } from './read-problem.ts';
import type { RedisCodec } from './redis-codec.ts';
import { translateSourceError } from './source-unavailable.ts';

/** How one kind of entity is read: where it is cached, and where its value comes from on a miss. */
export interface EntitySource<Id, T> {
  /** Name of the entity. */
  readonly name: string;
  readonly ttlSeconds: number;
  readonly key: (id: Id) => string;
  readonly codec: RedisCodec<T>;
  /** Queries the source; null when it does not have the id. */
  readonly load: (id: Id) => Promise<T | null>;
  /** @param cachedAt ISO 8601 */
  readonly toEntry: (id: Id, value: T, cachedAt: string) => CacheEntry;
  readonly fill: Fill;
  /** Called with the id of each read that found a value, so unknown ids cannot grow a counter. */
  readonly onRead?: ((id: Id) => void) | undefined;
}

/** Which step of the read path answered. */
export type ReadOutcome =
  /** The memory of this process had the value (L1). */
  | 'local-hit'
  /** Redis had the value. */
  | 'hit'
  /** Redis had no usable value; the source was queried. */
  | 'miss'
  /** The source did not have the value a moment ago, and was not queried again. */
  | 'negative'
  /** Redis did not answer; the source was queried. */
  | 'bypass';

export interface ReadResult<T> {
  /** Null when the entity does not exist. */
  readonly value: T | null;
  readonly outcome: ReadOutcome;
  /** Seconds until the value expires in Redis; undefined where Redis does not hold it. */
  readonly ttlSeconds?: number;
  /** When the value was read from its source, ISO 8601; undefined where that is not known. */
  readonly updatedAt?: string;
  /** The value in the memory of this process, of a local hit. */
  readonly entry?: LocalEntry;
  /** Another concurrent read of the same key produced this answer. */
  readonly collapsed: boolean;
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

/** What concurrent reads of one key share. */
type Answer<T> = Omit<ReadResult<T>, 'collapsed'>;

/** Ids that the source did not have are remembered this long, so that repeated reads do not query it each time. */
const UNKNOWN_SECONDS = 30;
/** Further ids push out the oldest, so that requests for random ids cannot fill the memory. */
const MAX_UNKNOWN = 10_000;

/** Cache-aside: reads the local tier, else Redis, else the source, and writes the source's value to Redis for the next reader. */
export function createReadThrough<Id, T>(
  source: EntitySource<Id, T>,
  { redis, localTier, now, onProblem, onOutcome = () => {} }: ReadThroughDependencies,
): EntityReads<Id, T> {
  const reportProblem = createProblemReporter(source.name, onProblem);
  const share = createFlights<T>();
  const unknownKeys = new LRUCache<string, true>({ max: MAX_UNKNOWN, ttl: UNKNOWN_SECONDS * 1000 });
  const { key, codec } = source;
  const count = createReadCount(source, onOutcome);
  const onLocalRead = (id: Id) => count(id, { value: true, outcome: 'local-hit' });
  const lookUpAll = (ids: readonly Id[]) =>
    lookUpTiers({ redis, localTier, key, codec, onRead: onLocalRead, reportProblem }, ids);
  const lookUpOne = async (id: Id): Promise<TieredResult<T>> =>
    (await lookUpAll([id]))[0] ?? { state: 'unreachable' };

  /** After the look-up: negative cache → load → fill. */
  async function resolve(id: Id, key: string, cached: TieredResult<T>): Promise<Answer<T>> {
    if (isFound(cached)) return foundAnswer(cached);
    // After Redis, not before: readers see a value immediately after a warm or the hot path has written it.
    if (unknownKeys.has(key)) return { value: null, outcome: 'negative' };
    // Of Redis, because processes compare it. Before the query: what another process reads later is at least as new.
    const readAt =
      cached.state === 'unreachable'
        ? undefined
        : await readTimeOf(redis, (error) => reportProblem(key, 'fill', error));
    const updatedAt = now().toISOString();
    const value = await loadFrom(source, id);
    if (value === null) unknownKeys.set(key, true);
    const outcome = cached.state === 'unreachable' ? 'bypass' : 'miss';
    if (value === null) return { value, outcome };
    // The time that the cached value gets, so that the readers after this one name the same.
    const answer = { value, outcome, updatedAt } as const;
    return cached.state === 'unreachable' || readAt === undefined
      ? answer
      : fill(id, key, answer, { seen: cached, readAt });
  }

  async function fill(
    id: Id,
    key: string,
    answer: Answer<T> & { readonly value: T; readonly updatedAt: string },
    { seen, readAt }: { readonly seen: CacheMiss; readonly readAt: number },
  ): Promise<Answer<T>> {
    try {
      const entry = source.toEntry(id, answer.value, answer.updatedAt);
      if (await source.fill(redis, entry, seen, readAt)) return { ...answer, ttlSeconds: source.ttlSeconds };
    } catch (error) {
      reportProblem(key, 'fill', error);
      return answer;
    }
    // Another writer was faster. The next reader gets its value, so this one does too.
    const newer = await lookUpOne(id);
    return isFound(newer) ? foundAnswer(newer) : answer;
  }

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
          if (isFound(found)) return counted(id, { ...foundAnswer(found), collapsed: false });
          return counted(id, await share(name, () => resolve(id, name, found)));
        }),
      );
    },
    readCached: async (ids) => foundValues(ids, await lookUpAll(ids)),
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
    const value = found !== undefined && isFound(found) ? foundAnswer(found).value : null;
    if (value !== null) values.set(id, value);
  });
  return values;
}

async function loadFrom<Id, T>({ name, load }: EntitySource<Id, T>, id: Id): Promise<T | null> {
  try {
    return await load(id);
  } catch (error) {
    throw translateSourceError(name, error);
  }
}

/** @returns undefined when Redis fails: then nothing is filled */
async function readTimeOf(
  redis: RedisClient,
  onError: (error: unknown) => void,
): Promise<number | undefined> {
  try {
    return await readRedisTime(redis);
  } catch (error) {
    onError(error);
    return undefined;
  }
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
