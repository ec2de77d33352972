import type { RedisClient } from '../../clients/redis.ts';
import { readCounts } from '../../domain/entities/read-counts.ts';
import {
  READ_HALF_LIFE_SECONDS,
  readWeight,
  type CountedProfile,
} from '../../domain/warming/hot-profiles.ts';
import { inChunks } from '../../domain/values/chunks.ts';
import { luaScript, runScript } from '../redis/lua-script.ts';

/**
 * Half-lives after which the count is rebased to today's weights: far below the 1,024 at which a double overflows, and only every
 * 75 days, because rewriting 50,000 members takes 45 ms, in which Redis answers no other client.
 */
const REBASE_HALF_LIVES = 300;

/**
 * Adds reads to the count, weighted as readWeight in domain/warming/hot-profiles.ts does. The time is Redis's: one API process
 * whose clock is a year off would spoil all counts.
 * KEYS: the count, a sorted set
 * ARGV: half-life in seconds, half-lives until a rebase, maximum members, TTL in seconds, the member that holds the start of the
 * count, then profile id, reads, …
 */
const ADD_READS = luaScript(`
local key, start_member = KEYS[1], ARGV[5]
local now = tonumber(redis.call('TIME')[1])
local score = redis.call('ZSCORE', key, start_member)
if not score then redis.call('DEL', key) end
local start = score and -tonumber(score) or now
local half_lives = math.max(0, (now - start) / tonumber(ARGV[1]))
if half_lives > tonumber(ARGV[2]) then
  redis.call('ZUNIONSTORE', key, 1, key, 'WEIGHTS', 2 ^ -half_lives)
  start, half_lives = now, 0
end
redis.call('ZADD', key, -start, start_member)
for i = 6, #ARGV, 2 do
  redis.call('ZINCRBY', key, tonumber(ARGV[i + 1]) * 2 ^ half_lives, ARGV[i])
end
redis.call('ZREMRANGEBYRANK', key, 1, -1 - tonumber(ARGV[3]))
redis.call('EXPIRE', key, ARGV[4])
return (#ARGV - 5) / 2`);

/** Profiles in one script call: 0.4 ms of Redis. */
const PROFILES_PER_CALL = 100;

/**
 * Adds reads of profiles to the count. Counts decay, and only the most-read profiles are kept.
 * @throws the first error that Redis answered; what was added before it stays
 */
export async function addReads(redis: RedisClient, reads: ReadonlyMap<string, number>): Promise<void> {
  const { key, maxMembers, ttlSeconds, startMember } = readCounts;
  const settings = [READ_HALF_LIFE_SECONDS, REBASE_HALF_LIVES, maxMembers, ttlSeconds, startMember];
  // One call after another, so that Redis can answer other clients in between.
  for (const chunk of inChunks([...reads], PROFILES_PER_CALL))
    await runScript(redis, ADD_READS, [{ keys: [key], args: [...settings, ...chunk.flat()] }]);
}

/** Members in one reply: 0.5 ms of Redis. */
const MEMBERS_PER_PAGE = 1000;

/**
 * The most-read profiles, most reads first, with the weight that their reads have now.
 * @throws the error that Redis answered
 */
export async function readMostRead(redis: RedisClient, now: Date): Promise<CountedProfile[]> {
  const { key, startMember } = readCounts;
  const start = await redis.zscore(key, startMember);
  if (start === null) return [];
  const weight = readWeight(now.getTime() / 1000 + Number(start));
  const reads = new Map<string, number>();
  for (let from = 0; ; from += MEMBERS_PER_PAGE) {
    const flat = await redis.zrevrange(key, from, from + MEMBERS_PER_PAGE - 1, 'WITHSCORES');
    // A read that is counted meanwhile may move a member to the next page; keep its first position.
    for (let index = 0; index + 1 < flat.length; index += 2) {
      const [id = '', score] = flat.slice(index, index + 2);
      if (id !== startMember && !reads.has(id)) reads.set(id, Number(score) / weight);
    }
    if (flat.length < 2 * MEMBERS_PER_PAGE) break;
  }
  return [...reads].map(([id, count]) => ({ id, reads: count }));
}
