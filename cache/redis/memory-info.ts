import type { RedisClient } from '../../clients/redis.ts';
import type { RedisMemory } from '../../domain/warming/redis-memory.ts';
import { anyMasterNode, findMasters } from './master-nodes.ts';

/** Memory use of Redis: the sum over all masters of a cluster. `maxBytes` is 0 without a limit. @throws the error of any master */
export async function readMemoryInfo(redis: RedisClient): Promise<RedisMemory> {
  const masters = await findMasters(redis);
  const nodes = await Promise.all(
    masters.map(async (node) => {
      const [info, keys] = await Promise.all([node.info('memory'), node.dbsize()]);
      return {
        keys,
        usedBytes: Number(infoField(info, 'used_memory')),
        maxBytes: Number(infoField(info, 'maxmemory')),
        policy: infoField(info, 'maxmemory_policy'),
      };
    }),
  );
  const sum = (valueOf: (memory: RedisMemory) => number) =>
    nodes.reduce((total, memory) => total + valueOf(memory), 0);
  return {
    keys: sum(({ keys }) => keys),
    usedBytes: sum(({ usedBytes }) => usedBytes),
    // if one node has no limit, the cluster has none
    maxBytes: nodes.some(({ maxBytes }) => maxBytes === 0) ? 0 : sum(({ maxBytes }) => maxBytes),
    policy: nodes[0]?.policy ?? '',
  };
}

/**
 * Bytes that Redis may use: its maxmemory, or without one the memory of its machine (on a cluster, of one machine).
 * @throws Error when Redis reports neither
 */
export async function readMemoryLimit(redis: RedisClient): Promise<number> {
  const { maxBytes } = await readMemoryInfo(redis);
  if (maxBytes > 0) return maxBytes;
  const info = await anyMasterNode(redis).info('memory');
  const machineBytes = Number(infoField(info, 'total_system_memory'));
  if (!(machineBytes > 0))
    throw new Error('Redis reports neither its maxmemory nor the memory of its machine: set WARM_PROFILES');
  return machineBytes;
}

/** Counters of Redis since its start, over all masters of a cluster. */
export interface RedisCounters {
  readonly hits: number;
  readonly misses: number;
  readonly evictedKeys: number;
  readonly expiredKeys: number;
}

/** Reads by any client, and keys that Redis removed. @throws the first error from Redis */
export async function readRedisCounters(redis: RedisClient): Promise<RedisCounters> {
  const masters = await findMasters(redis);
  const infos = await Promise.all(masters.map((node) => node.info('stats')));
  const sum = (field: string) => infos.reduce((total, info) => total + Number(infoField(info, field)), 0);
  return {
    hits: sum('keyspace_hits'),
    misses: sum('keyspace_misses'),
    evictedKeys: sum('evicted_keys'),
    expiredKeys: sum('expired_keys'),
  };
}

const infoField = (info: string, name: string): string =>
  new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
