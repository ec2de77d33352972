import type { RedisClient } from '../../clients/redis.ts';
import type { RedisMemory } from '../../domain/warming/redis-memory.ts';
import { luaScript, runScriptEach, splitIntoCalls } from '../redis/run-commands.ts';
import { readMemoryInfo, readRedisCounters, type RedisCounters } from '../redis/memory-info.ts';
import { scanKeys } from '../redis/scan-entities.ts';
import { kindOfKey } from './cache-kinds.ts';

/** Keys of one kind, or of all. */
export interface KeyCounts {
  keys: number;
  /** Keys that expire. */
  withTtl: number;
  /** Sum of the TTLs of those keys, in seconds. */
  ttlSeconds: number;
}

export interface CacheStatus {
  readonly byKind: ReadonlyMap<string, Readonly<KeyCounts>>;
  readonly memory: RedisMemory;
  readonly counters: RedisCounters;
}

/** Keys in one script call: about a millisecond of Redis. */
const KEYS_PER_CALL = 1000;

/**
 * The TTL of each key in seconds, -1 for a key that does not expire, -2 for one that is gone.
 * KEYS: the keys. ARGV: none
 */
const READ_TTLS = luaScript(`
local ttls = {}
for i, key in ipairs(KEYS) do ttls[i] = redis.call('TTL', key) end
return ttls`);

/** Counts what Redis holds. It scans all keys: about 5 ms for 1,000. @throws the first error from Redis */
export async function readCacheStatus(redis: RedisClient): Promise<CacheStatus> {
  const byKind = new Map<string, KeyCounts>();
  for await (const keys of scanKeys(redis)) {
    const calls = splitIntoCalls(redis, keys, KEYS_PER_CALL).map((chunk) => ({ keys: chunk, args: [] }));
    const ttls = (await runScriptEach<number[]>(redis, READ_TTLS, calls)).flat();
    keys.forEach((key, index) => countKey(byKind, kindOfKey(key), ttls[index] ?? -2));
  }
  const [memory, counters] = await Promise.all([readMemoryInfo(redis), readRedisCounters(redis)]);
  return { byKind, memory, counters };
}

function countKey(byKind: Map<string, KeyCounts>, kind: string, ttlSeconds: number): void {
  if (ttlSeconds === -2) return; // expired since the scan
  const counts = byKind.get(kind) ?? { keys: 0, withTtl: 0, ttlSeconds: 0 };
  byKind.set(kind, counts);
  counts.keys += 1;
  if (ttlSeconds < 0) return;
  counts.withTtl += 1;
  counts.ttlSeconds += ttlSeconds;
}
