import { LRUCache } from 'lru-cache';
import { createPipeline, type RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import type { Fill, SeenValue } from './fill-entry.ts';
import { createSingleFlight } from './single-flight.ts';
import { translateSourceError } from './source-unavailable.ts';
import type { RedisCodec } from './redis-codec.ts';

/** How one kind of cached thing is read; made from its definition in domain/entities. */
export interface EntitySource<Id, T> {
  /** Name of the entity. */
  readonly name: string;
  readonly ttlSeconds: number;
  readonly key: (id: Id) => string;
  readonly codec: RedisCodec<T>;
  /** Asks the source; null when it does not have it. */
  readonly load: (id: Id) => Promise<T | null>;
  readonly toEntry: (id: Id, value: T, cachedAt: string) => CacheEntry;
  readonly fill: Fill;
}

/** Where an answer came from. */
export type ReadOutcome =
  /** Redis had it. */
  | 'hit'
  /** Redis did not have it (or not in a readable form), so the source was asked. */
  | 'miss'
  /** The source did not have it a moment ago, and was not asked again. */
  | 'negative'
  /** Redis did not answer, so the source was asked. */
  | 'bypass';

export interface ReadResult<T> {
  /** Null: there is no such thing. */
  readonly value: T | null;
  readonly outcome: ReadOutcome;
  /** Seconds that Redis will keep the value; undefined where it does not hold it. */
  readonly ttlSeconds?: number;
  /** Another request's look-up answered this one too. */
  readonly collapsed: boolean;
}

export type ReadThrough<Id, T> = (id: Id) => Promise<ReadResult<T>>;

/** Something that went wrong without spoiling the answer. */
export interface ReadProblem {
  readonly entity: string;
  readonly key: string;
  readonly step: 'look-up' | 'decode' | 'fill';
  readonly reason: string;
}

export interface ReadThroughDependencies {
  readonly redis: RedisClient;
  readonly now: () => Date;
  readonly onProblem: (problem: ReadProblem) => void;
}

/** Ids that the source does not know are remembered this long, and at most so many of them. */
const UNKNOWN_SECONDS = 30;
const MOST_UNKNOWN = 10_000;

type Found<T> =
  | { readonly state: 'hit'; readonly value: T; readonly ttlSeconds: number | undefined }
  | SeenValue
  | { readonly state: 'unreachable' };
type Answer<T> = Omit<ReadResult<T>, 'collapsed'>;

/**
 * Cache-aside: Redis, else the source, whose answer is written to Redis for the next reader.
 * @throws SourceUnavailableError when Redis does not have it and the source cannot be asked
 */
export function createReadThrough<Id, T>(
  reading: EntitySource<Id, T>,
  { redis, now, onProblem }: ReadThroughDependencies,
): ReadThrough<Id, T> {
  const flights = createSingleFlight<Answer<T>>();
  const unknown = new LRUCache<string, true>({ max: MOST_UNKNOWN, ttl: UNKNOWN_SECONDS * 1000 });

  return async (id) => {
    const key = reading.key(id);
    const { result, collapsed } = await flights.share(key, () => read(id, key));
    return { ...result, collapsed };
  };

  async function read(id: Id, key: string): Promise<Answer<T>> {
    const found = await lookUp(key);
    if (found.state === 'hit') return hit(found);
    // After Redis, not before: what a warm or the hot path has just written is known at once.
    if (unknown.has(key)) return { value: null, outcome: 'negative' };
    const value = await load(id);
    if (value === null) unknown.set(key, true);
    if (found.state === 'unreachable') return { value, outcome: 'bypass' };
    if (value === null) return { value, outcome: 'miss' };
    return fill(id, key, value, found);
  }

  async function lookUp(key: string): Promise<Found<T>> {
    const [value, ttl] = await redisReplies(key);
    if (value === undefined) return { state: 'unreachable' };
    const [error, reply] = value;
    try {
      if (error) throw error;
      const decoded = reading.codec.decode(reply);
      if (decoded === null) return { state: 'absent' };
      const remaining = Number(ttl?.[1]);
      return { state: 'hit', value: decoded, ttlSeconds: remaining >= 0 ? remaining : undefined };
    } catch (wrong) {
      onProblem(problem(key, 'decode', wrong));
      return { state: 'undecodable', reply };
    }
  }

  /** The replies to the read and to TTL; none when Redis did not answer. WRONGTYPE is an answer: it is about the value. */
  async function redisReplies(key: string) {
    try {
      const replies = (await reading.codec.queueRead(createPipeline(redis), key).ttl(key).exec()) ?? [];
      const failed = replies.find(([error]) => error && !error.message.startsWith('WRONGTYPE'))?.[0];
      if (failed) throw failed;
      return replies;
    } catch (error) {
      onProblem(problem(key, 'look-up', error));
      return [];
    }
  }

  async function load(id: Id): Promise<T | null> {
    try {
      return await reading.load(id);
    } catch (error) {
      throw translateSourceError(reading.name, error);
    }
  }

  async function fill(id: Id, key: string, value: T, seen: SeenValue): Promise<Answer<T>> {
    try {
      const entry = reading.toEntry(id, value, now().toISOString());
      if (await reading.fill(redis, entry, seen))
        return { value, outcome: 'miss', ttlSeconds: reading.ttlSeconds };
    } catch (error) {
      onProblem(problem(key, 'fill', error));
      return { value, outcome: 'miss' };
    }
    // Somebody was quicker: theirs is what the next reader gets, so this one gets it too.
    const newer = await lookUp(key);
    return newer.state === 'hit' ? hit(newer) : { value, outcome: 'miss' };
  }

  function problem(key: string, step: ReadProblem['step'], error: unknown): ReadProblem {
    return {
      entity: reading.name,
      key,
      step,
      reason: error instanceof Error ? error.message : String(error),
    };
  }
}

const hit = <T>({ value, ttlSeconds }: Extract<Found<T>, { state: 'hit' }>): Answer<T> => ({
  value,
  outcome: 'hit',
  ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
});
