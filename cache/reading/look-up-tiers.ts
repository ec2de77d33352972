import type { RedisClient } from '../../clients/redis.ts';
import type { KeptValue, LocalEntry, LocalTier } from './local-tier.ts';
import { lookUp, type CacheHit, type LookUpResult } from './look-up.ts';
import type { ReportProblem } from './read-problem.ts';
import { foundAnswer, localAnswer, type Answer } from './read-result.ts';
import type { RedisCodec } from './redis-codec.ts';

/** The tiers that hold values of one kind. */
export interface Tiers<Id, T> {
  readonly redis: RedisClient;
  /** If undefined, every look-up reads Redis. */
  readonly localTier: LocalTier | undefined;
  readonly key: (id: Id) => string;
  readonly codec: RedisCodec<T>;
  /** Called for each later read that a kept answer serves. */
  readonly onRead: (id: Id, refreshBefore: number) => void;
  readonly reportProblem: ReportProblem;
}

/** A value in the local tier. */
interface LocalHit<T> {
  readonly state: 'local-hit';
  readonly entry: LocalEntry<T>;
}

export type TieredResult<T> = LocalHit<T> | LookUpResult<T>;
export type Found<T> = Extract<TieredResult<T>, { state: 'hit' | 'local-hit' }>;
export type NotFound<T> = Exclude<TieredResult<T>, Found<T>>;

export const isFound = <T>(result: TieredResult<T>): result is Found<T> =>
  result.state === 'hit' || result.state === 'local-hit';

/** The answer to a read that found a value. */
export const answerOf = <T>(found: Found<T>): Answer<T> =>
  found.state === 'local-hit' ? localAnswer(found.entry) : foundAnswer(found);

/** When the value must be read from the source again, on the clock of `performance.now`. */
export const expiryOf = <T>(found: Found<T>): number =>
  found.state === 'local-hit' ? found.entry.refreshBefore : found.expiresAt;

/**
 * Reads the local tier, and then the missing ids from Redis in one round trip (to each node of a cluster). The local tier keeps the values
 * from Redis. Never rejects: failures are reported.
 * @returns one result for each id, in the order of the ids
 */
export async function lookUpTiers<Id, T>(
  { redis, localTier, key: keyOf, codec, onRead, reportProblem }: Tiers<Id, T>,
  ids: readonly Id[],
): Promise<TieredResult<T>[]> {
  const keys = ids.map(keyOf);
  if (localTier === undefined) return lookUp(redis, codec, keys, reportProblem);
  const local = keys.map((key) => localTier.get<T>(key));
  const missing = keys.filter((_, index) => local[index] === undefined);
  const tracked = missing.length === 0 ? undefined : localTier.beginRead(missing);
  const found = await lookUp(tracked?.redis ?? redis, codec, missing, reportProblem);
  let next = 0;
  const results = local.map((entry, index): TieredResult<T> => {
    if (entry !== undefined) return { state: 'local-hit', entry };
    const [key, id, result] = [keys[index], ids[index] as Id, found[next]];
    next += 1;
    if (key === undefined || result === undefined) throw new Error('a look-up has no result');
    if (result.state === 'hit')
      tracked?.keep(
        key,
        kept(result, (refreshBefore) => onRead(id, refreshBefore)),
      );
    return result;
  });
  tracked?.end();
  return results;
}

const kept = <T>(
  { value, updatedAt, bytes, readAt, expiresAt }: CacheHit<T>,
  onRead: KeptValue<T>['onRead'],
): KeptValue<T> => ({ value, updatedAt, bytes, readAt, expiresAt, onRead });
