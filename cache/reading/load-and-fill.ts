import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import { siblingKey } from '../redis/sibling-key.ts';
import { LUA_REPLACE_HASH } from '../writing/lua-hash.ts';
import { FENCE, LUA_READ_FENCE } from '../writing/read-fence.ts';
import { replaceSet } from '../writing/replace-set.ts';
import type { ReportProblem } from './read-problem.ts';
import type { Answer } from './read-result.ts';
import { translateSourceError } from './source-unavailable.ts';

/** What a reader found under a key before it queried the source: nothing that it can use, or a value to refresh early. */
export type SeenEntry = CacheMiss | { readonly state: 'hit'; readonly reply: unknown };

/** Nothing that a reader can use. */
export type CacheMiss =
  | { readonly state: 'absent' }
  /** Cannot be decoded, lacks fields, or has no TTL. `reply` is the raw value; undefined where the key has another Redis type. */
  | { readonly state: 'unusable'; readonly reply: unknown };

/**
 * Fills a key after a miss, or replaces the value that a refresh has seen.
 * @param readAt when the read began, as `readRedisTime` returns it
 * @returns false when another writer was faster, or the state of the key is from a later read: that stays
 */
export type Fill = (
  redis: RedisClient,
  entry: CacheEntry,
  seen: SeenEntry,
  readAt: number,
) => Promise<boolean>;

/** Where the values of an entity come from, and how they are cached. */
export interface FillableSource<Id, T> {
  /** Name of the entity. */
  readonly name: string;
  readonly ttlSeconds: number;
  /** Queries the source; null when it does not have the id. */
  readonly load: (id: Id) => Promise<T | null>;
  /** @param cachedAt ISO 8601 */
  readonly toEntry: (id: Id, value: T, cachedAt: string) => CacheEntry;
  readonly fill: Fill;
}

/** Reads the source after a miss. Both throw SourceUnavailableError when the source does not answer. */
export interface Loader<Id, T> {
  /** The time is that which a cached value gets, so that later readers name the same. */
  readonly load: (id: Id) => Promise<{ readonly value: T | null; readonly updatedAt: string }>;
  /** How long a load takes (ms): a moving mean. */
  readonly costMs: () => number;
  /** Loads a value and writes it to Redis for the next reader. */
  readonly loadAndFill: (id: Id, key: string, seen: SeenEntry) => Promise<Answer<T>>;
}

/** What a load is assumed to take before the first one, and the weight of each later one in the mean. */
const FIRST_COST_MS = 500;
const COST_WEIGHT = 0.2;

export function createLoader<Id, T>(
  source: FillableSource<Id, T>,
  {
    redis,
    now,
    reportProblem,
    lookAgain,
  }: {
    readonly redis: RedisClient;
    readonly now: () => Date;
    readonly reportProblem: ReportProblem;
    readonly lookAgain: (id: Id) => Promise<Answer<T> | undefined>;
  },
): Loader<Id, T> {
  let costMs = FIRST_COST_MS;
  async function load(id: Id) {
    const updatedAt = now().toISOString();
    const startedAt = performance.now();
    const value = await loadFrom(source, id);
    costMs += (performance.now() - startedAt - costMs) * COST_WEIGHT;
    return { value, updatedAt };
  }

  return {
    load,
    costMs: () => costMs,
    async loadAndFill(id, key, seen) {
      // Of Redis, because processes compare it. Before the query: what another process reads later is at least as new.
      const readAt = await readTimeOf(redis, (error) => reportProblem(key, 'fill', error));
      const { value, updatedAt } = await load(id);
      if (value === null) return { value, outcome: 'miss' };
      const answer = { value, outcome: 'miss', updatedAt } as const;
      if (readAt === undefined) return answer;
      try {
        const entry = source.toEntry(id, value, updatedAt);
        if (await source.fill(redis, entry, seen, readAt))
          return { ...answer, ttlSeconds: source.ttlSeconds };
      } catch (error) {
        reportProblem(key, 'fill', error);
        return answer;
      }
      // Another writer was faster. The next reader gets its value, so this one does too.
      return (await lookAgain(id)) ?? answer;
    },
  };
}

async function loadFrom<Id, T>({ name, load }: FillableSource<Id, T>, id: Id): Promise<T | null> {
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

/**
 * Fills a key unless its value changed since the look-up: a miss takes some 300 ms, and in this time a warm or the hot path may
 * write a newer value. A key that a warm deleted because a later read did not find its row stays deleted.
 * KEYS: the key, its fence
 * ARGV: TTL in seconds, condition, text seen by the look-up, 'string' or 'hash', when the read began, then the value or field, value, …
 * Conditions: 'absent' fills a key that does not exist; 'same' also one that still holds the text seen, which is for a hash its
 * cached_at; 'any' fills always.
 */
const FILL = `${LUA_REPLACE_HASH}${LUA_READ_FENCE}
local heldType = redis.call('TYPE', KEYS[1]).ok
local unchanged = heldType == 'none' or ARGV[2] == 'any'
  or (ARGV[2] == 'same' and heldType == 'string' and redis.call('GET', KEYS[1]) == ARGV[3])
  or (ARGV[2] == 'same' and heldType == 'hash' and (redis.call('HGET', KEYS[1], 'cached_at') or '') == ARGV[3])
if not unchanged or isLate(KEYS[2], ARGV[5]) then return 0 end
if ARGV[4] == 'string' then
  redis.call('SET', KEYS[1], ARGV[6], 'EX', ARGV[1])
else
  replaceHash(KEYS[1], ARGV[1], unpack(ARGV, 6))
end
return 1`;

/** Fills one item (hash or string) unless its key was written since the look-up. */
export const fillItem: Fill = async (redis, entry, seen, readAt) => {
  if (entry.type !== 'string' && entry.type !== 'hash')
    throw new Error(`fillItem cannot fill ${entry.key}: it is a ${entry.type}, not a string or hash`);
  const value = entry.type === 'string' ? [entry.value] : Object.entries(entry.fields).flat();
  const filled = await redis.eval(
    FILL,
    2,
    entry.key,
    siblingKey(entry.key, FENCE),
    entry.ttlSeconds,
    ...fillCondition(seen),
    entry.type,
    readAt,
    ...value,
  );
  return filled === 1;
};

function fillCondition(seen: SeenEntry): [condition: 'absent' | 'same' | 'any', textSeen: string] {
  if (seen.state === 'absent') return ['absent', ''];
  if (typeof seen.reply === 'string') return ['same', seen.reply];
  if (typeof seen.reply !== 'object' || seen.reply === null) return ['any', ''];
  return ['same', (seen.reply as Readonly<Record<string, string>>)['cached_at'] ?? ''];
}

/** Replaces a whole set, unless the one that is cached is from a later read. */
export const fillSet: Fill = async (redis, entry, _, readAt) =>
  (await replaceSet(redis, entry, readAt)).keys > 0;
