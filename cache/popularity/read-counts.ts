import type { RedisClient } from '../../clients/redis.ts';
import { readCounts } from '../../domain/entities/read-counts.ts';
import { READ_HALF_LIFE_SECONDS, readWeight, type CountedProfile } from '../../domain/warming/hot-profiles.ts';
import { runScript, luaScript } from '../redis/lua-script.ts';

/**
 * Half-lives after which the count begins anew from today's weights: far below the 1,024 that a double can hold, and every 75
 * days only, since Redis answers nobody else for the 45 ms that rewriting 50,000 members takes.
 */
const REBASE_HALF_LIVES = 300;

/*
 * Weights as readWeight of domain/warming/hot-profiles.ts has them, by Redis's clock: that of one API process in another year would spoil the
 * counts of all.
 * ARGV: half-life in seconds, half-lives until rebasing, most members, TTL, the member that holds the start, then id, reads, …
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

/** Ids in one script call: 0.4 ms of Redis. */
const IDS_PER_CALL = 100;

/**
 * Adds reads of profiles to the count, which decays and keeps but the most-read.
 * @throws the first error that Redis answered; what was added before it stays
 */
export async function addReads(redis: RedisClient, reads: ReadonlyMap<string, number>): Promise<void> {
  const { key, most, ttlSeconds, startMember } = readCounts;
  const settings = [READ_HALF_LIFE_SECONDS, REBASE_HALF_LIVES, most, ttlSeconds, startMember];
  const counted = [...reads];
  for (let from = 0; from < counted.length; from += IDS_PER_CALL) {
    const chunk = counted.slice(from, from + IDS_PER_CALL);
    // One after the other: other clients' commands go between.
    await runScript(redis, ADD_READS, [{ keys: [key], args: [...settings, ...chunk.flat()] }]);
  }
}

/** Members in one answer: 0.5 ms of Redis. */
const MEMBERS_PER_CALL = 1000;

/** The most-read profiles, most reads first, with their reads as they weigh now. */
export async function readMostRead(redis: RedisClient, now: Date): Promise<CountedProfile[]> {
  const { key, startMember } = readCounts;
  const start = await redis.zscore(key, startMember);
  if (start === null) return [];
  const weight = readWeight(now.getTime() / 1000 + Number(start));
  const reads = new Map<string, number>();
  for (let from = 0; ; from += MEMBERS_PER_CALL) {
    const flat = await redis.zrevrange(key, from, from + MEMBERS_PER_CALL - 1, 'WITHSCORES');
    // Reads counted meanwhile may move a member from one page to the next; its first place is kept.
    for (let index = 0; index + 1 < flat.length; index += 2) {
      const [id = '', score] = flat.slice(index, index + 2);
      if (id !== startMember && !reads.has(id)) reads.set(id, Number(score) / weight);
    }
    if (flat.length < 2 * MEMBERS_PER_CALL) break;
  }
  return [...reads].map(([id, count]) => ({ id, reads: count }));
}
