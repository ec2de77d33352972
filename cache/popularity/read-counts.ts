import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import {
  allReadCounts,
  readsAtHour,
  recentReads,
  START_MEMBER,
  type ReadCounts,
} from '../../domain/entities/read-counts.ts';
import { readWeight, type CountedProfile } from '../../domain/warming/hot-profiles.ts';
import type { KnownReads } from '../../domain/warming/choose-hot-profiles.ts';
import { hourOfDay, hourReads, HOURS, type HourReads } from '../../domain/warming/read-forecast.ts';
import { inChunks } from '../../domain/values/lists.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';
import { unlessWrongType } from '../redis/wrong-type.ts';

/**
 * Half-lives after which a count is rebased to current weights. A double overflows after 1,024. Rebasing is rare (every 75 days for the
 * recent reads), because rewriting 50,000 members blocks Redis for 45 ms.
 */
const REBASE_HALF_LIVES = 300;

/**
 * Adds reads to a count, with the weights of readWeight in domain/warming/hot-profiles.ts.
 * KEYS: the count, a sorted set
 * ARGV: time of the reads in seconds, half-life in seconds, half-lives until a rebase, maximum members, TTL in seconds, the member that
 * holds the start of the count, then profile id, reads, …
 */
const ADD_READS = luaScript(`
local key, now, start_member = KEYS[1], tonumber(ARGV[1]), ARGV[6]
-- pcall: a key of another type counts nothing, and is replaced
local score = redis.pcall('ZSCORE', key, start_member)
if type(score) ~= 'string' then
  redis.call('DEL', key)
  score = nil
end
local start = score and -tonumber(score) or now
local half_lives = math.max(0, (now - start) / tonumber(ARGV[2]))
if half_lives > tonumber(ARGV[3]) then
  redis.call('ZUNIONSTORE', key, 1, key, 'WEIGHTS', 2 ^ -half_lives)
  start, half_lives = now, 0
end
redis.call('ZADD', key, -start, start_member)
for i = 7, #ARGV, 2 do
  redis.call('ZINCRBY', key, tonumber(ARGV[i + 1]) * 2 ^ half_lives, ARGV[i])
end
redis.call('ZREMRANGEBYRANK', key, 1, -1 - tonumber(ARGV[4]))
redis.call('EXPIRE', key, ARGV[5])
return (#ARGV - 6) / 2`);

/** Profiles in one script call: 0.4 ms of Redis. */
const PROFILES_PER_CALL = 100;

/** The clock for reads: seconds since 1970. */
export type ReadClock = () => Promise<number>;

/** The clock of Redis. One API process with a wrong clock would corrupt all counts. */
const redisClock = async (redis: RedisClient): Promise<number> =>
  Math.floor((await readRedisTime(redis)) / 1_000_000);

/**
 * Adds reads of profiles to the recent reads, and to the reads of this hour of the day. Counts decay, and only the most-read profiles are
 * kept.
 * @throws the first error from Redis; reads that were added before it stay
 */
export async function addReads(
  redis: RedisClient,
  reads: ReadonlyMap<string, number>,
  clock: ReadClock = () => redisClock(redis),
): Promise<void> {
  const now = await clock();
  for (const counts of [recentReads, readsAtHour(hourOfDay(now))]) {
    const { key, halfLifeSeconds, maxMembers, ttlSeconds } = counts;
    const settings = [now, halfLifeSeconds, REBASE_HALF_LIVES, maxMembers, ttlSeconds, START_MEMBER];
    // sequential calls, so that Redis can serve other clients in between
    for (const chunk of inChunks([...reads], PROFILES_PER_CALL))
      await runScript(redis, ADD_READS, [{ keys: [key], args: [...settings, ...chunk.flat()] }]);
  }
}

/** Removes profiles from all counts. @throws the first error from Redis */
export async function removeReads(redis: RedisClient, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await Promise.all(allReadCounts.map(({ key }) => unlessWrongType(redis.zrem(key, ...ids))));
}

/** Members in one reply: 0.5 ms of Redis. */
const MEMBERS_PER_PAGE = 1000;

/** The content of a count. */
interface Counted {
  /** The most-read profiles, most reads first, with the current weight of their reads. */
  readonly counted: readonly CountedProfile[];
  /** When the count began, in seconds since 1970. */
  readonly start: number;
}

/**
 * The recent reads of profiles, and those at each hour of the day.
 * @throws the error from Redis
 */
export async function readKnownReads(redis: RedisClient, now: Date): Promise<KnownReads> {
  const seconds = now.getTime() / 1000;
  const { counted: recent } = await readCounted(redis, recentReads, seconds);
  const hourly: HourReads[] = [];
  // sequential: together they have more than 100,000 members
  for (let hour = 0; hour < HOURS; hour += 1)
    hourly.push(hourReads(hour, await readCounted(redis, readsAtHour(hour), seconds), seconds));
  return { recent, hourly };
}

async function readCounted(
  redis: RedisClient,
  { key, halfLifeSeconds }: ReadCounts,
  now: number,
): Promise<Counted> {
  const startScore = await unlessWrongType(redis.zscore(key, START_MEMBER));
  if (startScore === null) return { counted: [], start: now };
  const start = -Number(startScore);
  const weight = readWeight(now - start, halfLifeSeconds);
  const reads = new Map<string, number>();
  for (let from = 0; ; from += MEMBERS_PER_PAGE) {
    const flat = await redis.zrevrange(key, from, from + MEMBERS_PER_PAGE - 1, 'WITHSCORES');
    // A concurrent count may move a member to the next page; keep its first position.
    for (let index = 0; index + 1 < flat.length; index += 2) {
      const [id = '', score] = flat.slice(index, index + 2);
      if (id !== START_MEMBER && !reads.has(id)) reads.set(id, Number(score) / weight);
    }
    if (flat.length < 2 * MEMBERS_PER_PAGE) break;
  }
  return { counted: [...reads].map(([id, count]) => ({ id, reads: count })), start };
}
