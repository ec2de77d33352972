import type { RedisClient } from '../../clients/redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import { luaScript, runScriptEach } from '../redis/run-commands.ts';
import { siblingKey } from '../redis/sibling-key.ts';

/**
 * The fence of a key holds the start of the read that led to its current state (the time of Redis in microseconds). A writer whose read
 * began earlier is late and writes nothing, because its value may be older. A deleted key also has a fence, so that no late writer creates
 * it again.
 */
export const fenceKey = (key: string): string => siblingKey(key, FENCE);

/** The suffix of fences. */
const FENCE = 'read-at';

/** Whether a key is a fence. An id can end like a fence, but no key of an id begins like one. */
export const isFence = (key: string): boolean => /^(\{|cache:all:)/.test(key) && key.endsWith(`:${FENCE}`);

/**
 * Minimum lifetime of a fence (s): a write can follow the start of its read this late. The rows of a warm have the time of its plan, and at
 * a limited rate the last one is written about 24 minutes later, or more with retries.
 */
export const FENCE_SECONDS = 3600;

/**
 * The fence of all keys: the time when an operator last deleted whole kinds or erased a KOL. A value that was read earlier may be a removed
 * one, even if its key had expired or did not exist yet.
 */
export const REMOVAL_FENCE = `cache:all:${FENCE}`;

/** The time when an operator last erased this KOL: earlier events must not cache the KOL again. Only an erasure raises it. */
export const erasureFence = (kolId: string): string => siblingKey(profile.key(kolId), `events:${FENCE}`);
/** The time when an operator last erased any KOL. */
export const LAST_ERASURE_FENCE = `cache:all:events:${FENCE}`;

/**
 * Lua: `fenceTime(fence)` is the time that a fence holds; 0 without one. A key of another type, without a number or without a TTL is not a
 * fence. It is removed, because it would refuse all writes forever or make them fail.
 * `isLate(fence, readAt)` returns whether the read of a writer began before the read that led to the current state of a key.
 * `raiseFence(fence, readAt, seconds)` records the read of the writer. A full Redis refuses this write, which must not prevent the deletion
 * of a key.
 */
export const LUA_READ_FENCE = `
local function fenceTime(fence)
  local held = redis.pcall('GET', fence)
  if not held then return 0 end
  local time = type(held) == 'string' and tonumber(held)
  if time and redis.call('PTTL', fence) >= 0 then return time end
  redis.call('UNLINK', fence)
  return 0
end
local function isLate(fence, readAt)
  return fenceTime(fence) > tonumber(readAt)
end
local function raiseFence(fence, readAt, seconds)
  redis.pcall('SET', fence, readAt, 'EX', math.max(tonumber(seconds), ${FENCE_SECONDS}))
end`;

/** KEYS: a fence. ARGV: none */
const READ_FENCE = luaScript(`${LUA_READ_FENCE}
return fenceTime(KEYS[1])`);

/** The times of these fences: the time of Redis in microseconds; 0 without one. */
const readFences = (redis: RedisClient, fences: readonly string[]): Promise<number[]> =>
  runScriptEach(
    redis,
    READ_FENCE,
    fences.map((fence) => ({ keys: [fence], args: [] })),
  );

async function readRemovalFence(redis: RedisClient): Promise<number> {
  const [removedAt = 0] = await readFences(redis, [REMOVAL_FENCE]);
  return removedAt;
}

/** Returns the keys that were removed since a time of Redis. It checks the single keys only if an operator has removed anything since. */
export async function removedKeys(
  redis: RedisClient,
  keys: readonly string[],
  since: number,
): Promise<ReadonlySet<string>> {
  if ((await readRemovalFence(redis)) <= since) return new Set();
  const times = await readFences(redis, keys.map(fenceKey));
  return new Set(keys.filter((_, index) => (times[index] ?? 0) > since));
}

/** An event about a KOL. */
export interface KolEvent {
  /** Ids of the KOL: the event and the lakehouse may use different ones. */
  readonly kolIds: readonly string[];
  readonly event_time_ms: number;
  /** The latest possible time of the event; its own time can be in the future. */
  readonly happened_by_ms: number;
  /** Keys that its write sets. */
  readonly keys: readonly string[];
}

/**
 * Returns for each event whether its KOL was erased after it. It checks the single KOLs only if any KOL was erased since the oldest event.
 */
export async function areErased(redis: RedisClient, events: readonly KolEvent[]): Promise<boolean[]> {
  const [lastErasure = 0] = await readFences(redis, [LAST_ERASURE_FENCE]);
  const isBefore = ({ happened_by_ms }: KolEvent, time: number) => happened_by_ms * 1000 < time;
  const ids = [...new Set(events.flatMap((event) => (isBefore(event, lastErasure) ? event.kolIds : [])))];
  const times = await readFences(redis, ids.map(erasureFence));
  const erasedAt = new Map(ids.map((id, index) => [id, times[index] ?? 0]));
  return events.map((event) => event.kolIds.some((id) => isBefore(event, erasedAt.get(id) ?? 0)));
}

/** The later of a key's own fence and the fence of all keys: the time of Redis in microseconds; 0 without one. */
export const readFence = async (redis: RedisClient, key: string): Promise<number> =>
  Math.max(...(await readFences(redis, [fenceKey(key), REMOVAL_FENCE])));

/** The write of a value that was read. */
interface WriteOfRead {
  /** When the read began, as `readRedisTime` returns it. */
  readonly readAt: number;
  /** Returns how many keys were written: none if the read was late. */
  readonly write: () => Promise<number>;
  /** Removes the written value, unless a later read has replaced it. @param removedAt the fence to raise */
  readonly undo: (removedAt: number) => Promise<unknown>;
}

/**
 * Writes a value, unless values were removed since its read began, because it may contain one of them. A removal during the write may miss
 * the new value. It raises the fence before it looks for values, so the fence is read again after the write. One script cannot do both: on
 * a cluster the key and the fence of all keys are on different nodes.
 * @throws the first error from Redis
 */
export async function writeUnlessRemoved(
  redis: RedisClient,
  { readAt, write, undo }: WriteOfRead,
): Promise<'written' | 'late' | 'removed'> {
  if ((await readRemovalFence(redis)) > readAt) return 'removed';
  const written = await write();
  const removedAt = await readRemovalFence(redis);
  if (removedAt <= readAt) return written > 0 ? 'written' : 'late';
  if (written > 0) await undo(removedAt);
  return 'removed';
}
