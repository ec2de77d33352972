import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';
import { erasureFence, fenceKey, LAST_ERASURE_FENCE, LUA_READ_FENCE, REMOVAL_FENCE } from './read-fence.ts';

/**
 * How long reads that began before a removal are refused (s). A warm of all profiles at a limited rate can write for half an hour, and its
 * attempts are retried.
 */
const REMOVED_SECONDS = 86_400;
/** How long events from before an erasure are refused (s): Kafka keeps events for 7 days by default. */
const ERASED_SECONDS = 7 * 86_400;

/** KEYS: a fence. ARGV: the time of the read, how long the fence lives (s) */
const RAISE = luaScript(`${LUA_READ_FENCE}
if not isLate(KEYS[1], ARGV[1]) then raiseFence(KEYS[1], ARGV[1], ARGV[2]) end
return 1`);

/**
 * Refuses writes to these keys if their read began before `readAt`, even for keys that do not exist.
 * @param readAt as `readRedisTime` returns it
 * @throws the first error from Redis
 */
export const raiseFences = (redis: RedisClient, keys: readonly string[], readAt: number): Promise<void> =>
  raise(redis, keys.map(fenceKey), readAt);

/** Refuses writes to sets and fills after a miss if their read began before now. @throws the error from Redis */
export const raiseRemovalFence = async (redis: RedisClient): Promise<void> =>
  raise(redis, [REMOVAL_FENCE], await readRedisTime(redis));

/** Refuses events of a KOL from before now (see `writeUnlessErased`). @throws the error from Redis */
export async function raiseErasureFence(redis: RedisClient, kolId: string): Promise<void> {
  const now = await readRedisTime(redis);
  await raise(redis, [erasureFence(kolId)], now, ERASED_SECONDS);
  // must be last: a writer reads the fence of a KOL only if this one is raised
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
