import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';
import { erasureFence, fenceKey, LAST_ERASURE_FENCE, LUA_READ_FENCE, REMOVAL_FENCE } from './read-fence.ts';

/**
 * What an operator removed must not come back by a read that began before: a warm of all profiles at a limited rate writes for half an hour
 * what it planned, and its attempts are repeated.
 */
const REMOVED_SECONDS = 86_400;
/** An event waits as long as Kafka keeps it: 7 days by default. */
const ERASED_SECONDS = 7 * 86_400;

/** KEYS: a fence. ARGV: the time of the read, how long the fence lives (s) */
const RAISE = luaScript(`${LUA_READ_FENCE}
if not isLate(KEYS[1], ARGV[1]) then raiseFence(KEYS[1], ARGV[1], ARGV[2]) end
return 1`);

/**
 * Refuses the writes to these keys whose read began before `readAt`, also of keys that do not exist.
 * @param readAt as `readRedisTime` returns it
 * @throws the first error that Redis answered
 */
export const raiseFences = (redis: RedisClient, keys: readonly string[], readAt: number): Promise<void> =>
  raise(redis, keys.map(fenceKey), readAt);

/** Refuses the writes to sets, and the fills after a miss, whose read began before now. @throws the error that Redis answered */
export const raiseRemovalFence = async (redis: RedisClient): Promise<void> =>
  raise(redis, [REMOVAL_FENCE], await readRedisTime(redis));

/** Refuses what events before now say of a KOL (see `writeUnlessErased`). @throws the error that Redis answered */
export async function raiseErasureFence(redis: RedisClient, kolId: string): Promise<void> {
  const now = await readRedisTime(redis);
  await raise(redis, [erasureFence(kolId)], now, ERASED_SECONDS);
  // Last: a writer looks for the fence of a KOL only if this one is raised.
  await raise(redis, [LAST_ERASURE_FENCE], now, ERASED_SECONDS);
}

async function raise(
  redis: RedisClient,
  fences: readonly string[],
  readAt: number,
  seconds = REMOVED_SECONDS,
): Promise<void> {
  await runScript(
    redis,
    RAISE,
    fences.map((fence) => ({ keys: [fence], args: [readAt, seconds] })),
  );
}
