import { LRUCache } from 'lru-cache';
import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import type { CacheMiss, Fill } from './fill-entry.ts';
import { lookUp, type CacheHit, type LookUpResult } from './look-up.ts';
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
}

/** Which step of the read path answered. */
type ReadOutcome =
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
  readonly now: () => Date;
  readonly onProblem: (problem: ReadProblem) => void;
}

/** What concurrent reads of one key share. */
type Answer<T> = Omit<ReadResult<T>, 'collapsed'>;

/** Ids that the source did not have are remembered this long, so that repeated reads do not query it each time. */
const UNKNOWN_SECONDS = 30;
/** Further ids push out the oldest, so that requests for random ids cannot fill the memory. */
const MAX_UNKNOWN = 10_000;

/** Cache-aside: reads Redis, else the source, and writes the source's value to Redis for the next reader. */
export function createReadThrough<Id, T>(
  source: EntitySource<Id, T>,
  { redis, now, onProblem }: ReadThroughDependencies,
): EntityReads<Id, T> {
  const reportProblem = createProblemReporter(source.name, onProblem);
  const share = createFlights<T>();
  const unknownKeys = new LRUCache<string, true>({ max: MAX_UNKNOWN, ttl: UNKNOWN_SECONDS * 1000 });
  const lookUpAll = (keys: readonly string[]) => lookUp(redis, source.codec, keys, reportProblem);
  const lookUpOne = async (key: string): Promise<LookUpResult<T>> =>
    (await lookUpAll([key]))[0] ?? { state: 'unreachable' };

  /** After the look-up: negative cache → load → fill. */
  async function resolve(id: Id, key: string, cached: LookUpResult<T>): Promise<Answer<T>> {
    if (cached.state === 'hit') return hitAnswer(cached);
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
    const newer = await lookUpOne(key);
    return newer.state === 'hit' ? hitAnswer(newer) : answer;
  }

  return {
    read: (id) => {
      const key = source.key(id);
      return share(key, async () => resolve(id, key, await lookUpOne(key)));
    },
    async readMany(ids) {
      const keys = ids.map(source.key);
      const cached = await lookUpAll(keys);
      return Promise.allSettled(
        ids.map(async (id, index) => {
          const [key, found] = [keys[index], cached[index]];
          if (key === undefined || found === undefined) throw new Error('a look-up has no result');
          if (found.state === 'hit') return { ...hitAnswer(found), collapsed: false };
          return share(key, () => resolve(id, key, found));
        }),
      );
    },
    async readCached(ids) {
      const cached = await lookUpAll(ids.map(source.key));
      return new Map(
        ids.flatMap((id, index) => {
          const found = cached[index];
          return found?.state === 'hit' ? [[id, found.value] as const] : [];
        }),
      );
    },
  };
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

const hitAnswer = <T>({ value, ttlSeconds, updatedAt }: CacheHit<T>): Answer<T> => ({
  value,
  outcome: 'hit',
  ttlSeconds,
  ...(updatedAt === undefined ? {} : { updatedAt }),
});
