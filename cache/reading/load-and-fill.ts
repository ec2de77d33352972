import { cachedAtOf, readRedisTime, type RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import type { CacheMiss, Fill } from './fill-entry.ts';
import { NotCachedError } from './not-cached.ts';
import type { ReportProblem } from './read-problem.ts';
import type { Answer } from './read-result.ts';
import type { RedisCodec } from './redis-codec.ts';
import { translateSourceError } from './source-unavailable.ts';
import { withTimeLimit } from '../../domain/values/abortable.ts';

/** A check of values before they are cached. */
interface FillGuard<T> {
  /** `values` checks every value, `absence` only missing ones. */
  readonly checks: 'values' | 'absence';
  /**
   * Never rejects.
   * @param removalReadMs the start of the read, in ms since 1970; only for a missing value that will be removed from the cache
   */
  readonly accepts: (key: string, value: T | null, removalReadMs?: number) => Promise<boolean>;
}

/** Where the values of an entity come from, and how they are cached. */
export interface FillableSource<Id, T> {
  /** Name of the entity. */
  readonly name: string;
  readonly ttlSeconds: number;
  /** Queries the source; null when it does not have the id. @param signal aborts when no caller needs the value */
  readonly load: (id: Id, signal: AbortSignal) => Promise<T | null>;
  /** @param cachedAt ISO 8601 */
  readonly toEntry: (id: Id, value: T, cachedAt: string) => CacheEntry;
  readonly codec: RedisCodec<T>;
  readonly fill: Fill;
  /** Decides whether a value may replace the cached one. By default it may. */
  readonly guard?: FillGuard<T> | undefined;
}

/** Reads the source after a miss. Both loads have no time limit, and throw NotCachedError when the source must not be queried. */
export interface Loader<Id, T> {
  /** Loads a value without Redis. Times then use the clock of this process, because no other process compares them. */
  readonly load: (id: Id, signal: AbortSignal) => Promise<Pick<Answer<T>, 'value' | 'updatedAt'>>;
  /** The moving mean of load times (ms). */
  readonly costMs: () => number;
  /** Loads a value and writes it to Redis for the next reader, unless the guard of the source refuses it. */
  readonly loadAndFill: (id: Id, key: string, seen: CacheMiss, signal: AbortSignal) => Promise<Answer<T>>;
}

/** Whether the source certainly has no value, so that this can be remembered. */
export const isNothing = ({ value, refused }: Answer<unknown>): boolean => value === null && !refused;

/** The assumed time of a load before the first one, and the weight of each new one in the mean. */
const FIRST_COST_MS = 500;
const COST_WEIGHT = 0.2;

interface LoaderDependencies<Id, T> {
  readonly redis: RedisClient;
  readonly now: () => Date;
  readonly reportProblem: ReportProblem;
  readonly lookAgain: (id: Id) => Promise<Answer<T> | undefined>;
  /** Whether the source may be queried. */
  readonly mayQuery: () => boolean;
}

export function createLoader<Id, T>(
  source: FillableSource<Id, T>,
  { redis, now, reportProblem, lookAgain, mayQuery }: LoaderDependencies<Id, T>,
): Loader<Id, T> {
  let costMs = FIRST_COST_MS;
  /** @param readAt when the read begins, ISO 8601 */
  async function load(id: Id, signal: AbortSignal, readAt: string) {
    signal.throwIfAborted();
    if (!mayQuery()) throw new NotCachedError(source.name, 'switch');
    const startedAt = performance.now();
    const value = await source.load(id, signal);
    costMs += (performance.now() - startedAt - costMs) * COST_WEIGHT;
    if (value === null) return { value, entry: null, updatedAt: undefined };
    const entry = source.toEntry(id, value, readAt);
    return { value, entry, updatedAt: updatedAtOf(source.codec, value, entry, readAt) };
  }

  async function loadAndFill(
    id: Id,
    key: string,
    seen: CacheMiss,
    signal: AbortSignal,
    isRepeated = false,
  ): Promise<Answer<T>> {
    // Use the clock of Redis, because processes compare this time. Read it before the query, so that the data is at least as new.
    const readAt = await readTimeOf(redis, (error) => reportProblem(key, 'fill', error));
    const readTime = readAt === undefined ? now().toISOString() : cachedAtOf(readAt);
    const { value, entry, updatedAt } = await load(id, signal, readTime);
    const isChecked = value === null || source.guard?.checks === 'values';
    const removalReadMs = value === null && seen.state === 'outdated' ? Date.parse(readTime) : undefined;
    if (isChecked && (await source.guard?.accepts(key, value, removalReadMs)) === false)
      return { value, outcome: 'miss', updatedAt, refused: true };
    if (entry === null) {
      if (seen.state === 'outdated' && readAt !== undefined)
        await source.fill
          .remove(redis, key, seen, readAt)
          .catch((error: unknown) => reportProblem(key, 'fill', error));
      return { value, outcome: 'miss' };
    }
    const answer = { value, outcome: 'miss', updatedAt } as const;
    if (readAt === undefined) return { ...answer, unstored: true };
    try {
      if (await source.fill(redis, entry, seen, readAt)) return { ...answer, ttlSeconds: source.ttlSeconds };
    } catch (error) {
      reportProblem(key, 'fill', error);
      return { ...answer, unstored: true };
    }
    // Another writer was faster. Return its value, as the next reader would.
    const written = await lookAgain(id);
    if (written !== undefined) return written;
    // The key was removed during the load. Later readers must not get a value that was read before the removal, so load once more. Only
    // once, because keys may be removed repeatedly.
    return isRepeated ? answer : loadAndFill(id, key, { state: 'absent' }, signal, true);
  }

  return {
    async load(id, signal) {
      const { value, updatedAt } = await load(id, signal, now().toISOString());
      return { value, updatedAt };
    },
    costMs: () => costMs,
    loadAndFill,
  };
}

/** The `updatedAt` of later hits of this entry. */
const updatedAtOf = <T>(codec: RedisCodec<T>, value: T, entry: CacheEntry, readAt: string) =>
  codec.isTimedByFence ? readAt : codec.updatedAt(entry.type === 'hash' ? entry.fields : undefined, value);

/**
 * Waits for the source, or for another process that reads it, with a time limit.
 * @param signal aborts when the caller stops waiting
 * @throws SourceUnavailableError when the source does not answer in time, or fails temporarily
 */
export async function withSourceLimit<T>(
  { entity, seconds }: { readonly entity: string; readonly seconds: number },
  work: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await withTimeLimit(seconds, work, signal);
  } catch (error) {
    throw translateSourceError(entity, error);
  }
}

/** @returns undefined when Redis fails; then nothing is cached */
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
