import type { RedisClient } from '../../clients/redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import { luaScript, runScriptEach } from '../redis/run-commands.ts';
import { siblingKey } from '../redis/sibling-key.ts';

/**
 * The fence of a key holds when the read began that made its present state: the time of Redis in microseconds. A writer whose read
 * began earlier is late, and writes nothing: what it read may be older. A deleted key has a fence too, so that no late writer brings it back.
 */
export const fenceKey = (key: string): string => siblingKey(key, FENCE);

/** What distinguishes a fence from its key. */
const FENCE = 'read-at';

/** Whether a key is the fence of another one. An id can end like a fence, but no key of an id begins like one. */
export const isFence = (key: string): boolean => /^(\{|cache:all:)/.test(key) && key.endsWith(`:${FENCE}`);

/**
 * A fence lives at least this long (s), because a writer may write so long after its read began: the rows of a warm have the time of its plan,
 * and at a limited rate the last one is written some 24 minutes later, after retries later still.
 */
export const FENCE_SECONDS = 3600;

/**
 * A fence of all keys: when an operator last deleted whole kinds from the cache or erased a KOL. A value that was read before may have been
 * removed, even if its key had expired or did not exist yet.
 */
export const REMOVAL_FENCE = `cache:all:${FENCE}`;

/** When an operator last erased a KOL: events from before must not bring the KOL back. Not raised by anything else. */
export const erasureFence = (kolId: string): string => siblingKey(profile.key(kolId), `events:${FENCE}`);
/** When an operator last erased any KOL. */
export const LAST_ERASURE_FENCE = `cache:all:events:${FENCE}`;

/**
 * Lua: `fenceTime(fence)` is the time that a fence holds; 0 without one. A key of another type, without a number or without a TTL is not
 * ours. It is removed, because it would refuse all writes for ever, or make them fail.
 * `isLate(fence, readAt)` tells whether the read of a writer began before the one that made the present state of a key.
 * `raiseFence(fence, readAt, seconds)` records the read of the writer. A full Redis refuses that, and must still free a deleted key.
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

/** Those of these keys that were removed since a time of Redis. It looks at each key only if anything was removed by an operator. */
export async function removedKeys(
  redis: RedisClient,
  keys: readonly string[],
  since: number,
): Promise<ReadonlySet<string>> {
  if ((await readRemovalFence(redis)) <= since) return new Set();
  const times = await readFences(redis, keys.map(fenceKey));
  return new Set(keys.filter((_, index) => (times[index] ?? 0) > since));
}

/** What an event says of a KOL. */
export interface KolEvent {
  /** Ids of the KOL: the event and the lakehouse may use different ones. */
  readonly kolIds: readonly string[];
  readonly event_time_ms: number;
  /** The event was there then at the latest: its own time can be ahead. */
  readonly happened_by_ms: number;
  /** Keys that its write sets. */
  readonly keys: readonly string[];
}

/** Of each of these events whether its KOL was erased after it. It looks at each KOL only if anybody was erased since the oldest event. */
export async function areErased(redis: RedisClient, events: readonly KolEvent[]): Promise<boolean[]> {
  const [lastErasure = 0] = await readFences(redis, [LAST_ERASURE_FENCE]);
  const isBefore = ({ happened_by_ms }: KolEvent, time: number) => happened_by_ms * 1000 < time;
  const ids = [...new Set(events.flatMap((event) => (isBefore(event, lastErasure) ? event.kolIds : [])))];
  const times = await readFences(redis, ids.map(erasureFence));
  const erasedAt = new Map(ids.map((id, index) => [id, times[index] ?? 0]));
  return events.map((event) => event.kolIds.some((id) => isBefore(event, erasedAt.get(id) ?? 0)));
}

/** The latest fence of a key, its own or that of all keys: the time of Redis in microseconds; 0 without one. */
export const readFence = async (redis: RedisClient, key: string): Promise<number> =>
  Math.max(...(await readFences(redis, [fenceKey(key), REMOVAL_FENCE])));

/** A write of what was read. */
interface WriteOfRead {
  /** When the read began, as `readRedisTime` returns it. */
  readonly readAt: number;
  /** Returns how many keys were written: none if the read was late. */
  readonly write: () => Promise<number>;
  /** Removes what was written, unless a later read has replaced it. @param removedAt the fence to raise */
  readonly undo: (removedAt: number) => Promise<unknown>;
}

/**
 * Writes what was read, unless values were removed since the read began, because it may hold one of them. A removal that runs during the
 * write may not have seen what is written, so the fence is read again afterwards: a removal raises it before it looks for values. One
 * script cannot do both, because the key and the fence of all keys are on two nodes of a cluster.
 * @throws the first error that Redis answered
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
