import { LRUCache } from 'lru-cache';
import { createPipeline, type RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import type { CacheMiss, Fill } from './fill-entry.ts';
import { createProblemReporter, type ReadProblem, type ReportProblem } from './read-problem.ts';
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
  /** Redis had no value, or one that could not be decoded; the source was queried. */
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
  /** Another concurrent read of the same key produced this answer. */
  readonly collapsed: boolean;
}

export type ReadThrough<Id, T> = (id: Id) => Promise<ReadResult<T>>;

export interface ReadThroughDependencies {
  readonly redis: RedisClient;
  readonly now: () => Date;
  readonly onProblem: (problem: ReadProblem) => void;
}

/** What concurrent reads of one key share. */
type Answer<T> = Omit<ReadResult<T>, 'collapsed'>;

/** The key has a value that can be decoded. */
interface CacheHit<T> {
  readonly state: 'hit';
  readonly value: T;
  /** Remaining TTL; undefined for a key that never expires. */
  readonly ttlSeconds: number | undefined;
}

/** Ids that the source did not have are remembered this long, so that repeated reads do not query it each time. */
const UNKNOWN_SECONDS = 30;
/** Further ids push out the oldest, so that requests for random ids cannot fill the memory. */
const MAX_UNKNOWN = 10_000;

/**
 * Cache-aside: reads Redis, else the source, and writes the source's value to Redis for the next reader.
 * @throws SourceUnavailableError when Redis has no value and the source does not answer
 */
export function createReadThrough<Id, T>(
  source: EntitySource<Id, T>,
  { redis, now, onProblem }: ReadThroughDependencies,
): ReadThrough<Id, T> {
  const reportProblem = createProblemReporter(source.name, onProblem);
  const flights = new Map<string, Promise<Answer<T>>>();
  const unknownKeys = new LRUCache<string, true>({ max: MAX_UNKNOWN, ttl: UNKNOWN_SECONDS * 1000 });

  /** Concurrent reads of one key share one flight, its error included. */
  return async (id) => {
    const key = source.key(id);
    const running = flights.get(key);
    if (running !== undefined) return { ...(await running), collapsed: true };
    const flight = read(id, key).finally(() => flights.delete(key));
    flights.set(key, flight);
    return { ...(await flight), collapsed: false };
  };

  /** Look up → negative cache → load → fill. */
  async function read(id: Id, key: string): Promise<Answer<T>> {
    const cached = await lookUp(redis, source.codec, key, reportProblem);
    if (cached.state === 'hit') return hitAnswer(cached);
    // After Redis, not before: readers see a value immediately after a warm or the hot path has written it.
    if (unknownKeys.has(key)) return { value: null, outcome: 'negative' };
    const value = await load(id);
    if (value === null) unknownKeys.set(key, true);
    if (cached.state === 'unreachable') return { value, outcome: 'bypass' };
    if (value === null) return { value, outcome: 'miss' };
    return fill(id, key, value, cached);
  }

  async function load(id: Id): Promise<T | null> {
    try {
      return await source.load(id);
    } catch (error) {
      throw translateSourceError(source.name, error);
    }
  }

  async function fill(id: Id, key: string, value: T, seen: CacheMiss): Promise<Answer<T>> {
    try {
      const entry = source.toEntry(id, value, now().toISOString());
      if (await source.fill(redis, entry, seen))
        return { value, outcome: 'miss', ttlSeconds: source.ttlSeconds };
    } catch (error) {
      reportProblem(key, 'fill', error);
      return { value, outcome: 'miss' };
    }
    // Another writer was faster. The next reader gets its value, so this one does too.
    const newer = await lookUp(redis, source.codec, key, reportProblem);
    return newer.state === 'hit' ? hitAnswer(newer) : { value, outcome: 'miss' };
  }
}

/** Reads a value and its TTL from Redis in one round trip. Never rejects: failures are reported as problems. */
async function lookUp<T>(
  redis: RedisClient,
  codec: RedisCodec<T>,
  key: string,
  reportProblem: ReportProblem,
): Promise<CacheHit<T> | CacheMiss | { readonly state: 'unreachable' }> {
  const [valueReply, ttlReply] = await readValueAndTtl(redis, codec, key, reportProblem);
  if (valueReply === undefined) return { state: 'unreachable' };
  const [error, reply] = valueReply;
  try {
    if (error) throw error;
    const value = codec.decode(reply);
    if (value === null) return { state: 'absent' };
    const remaining = Number(ttlReply?.[1]);
    return { state: 'hit', value, ttlSeconds: remaining >= 0 ? remaining : undefined };
  } catch (decodeError) {
    reportProblem(key, 'decode', decodeError);
    return { state: 'undecodable', reply };
  }
}

/** The replies to the read and to TTL; empty when Redis did not answer. WRONGTYPE is an answer: it is about the value. */
async function readValueAndTtl(
  redis: RedisClient,
  codec: RedisCodec<unknown>,
  key: string,
  reportProblem: ReportProblem,
) {
  try {
    const replies = (await codec.queueRead(createPipeline(redis), key).ttl(key).exec()) ?? [];
    const failure = replies.find(([error]) => error && !error.message.startsWith('WRONGTYPE'))?.[0];
    if (failure) throw failure;
    return replies;
  } catch (error) {
    reportProblem(key, 'look-up', error);
    return [];
  }
}

const hitAnswer = <T>({ value, ttlSeconds }: CacheHit<T>): Answer<T> => ({
  value,
  outcome: 'hit',
  ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
});
