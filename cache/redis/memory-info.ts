import { Cluster } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import type { RedisMemory } from '../../domain/warming/redis-memory.ts';

/** How full Redis is; of a cluster, all masters together. */
export async function readMemoryInfo(redis: RedisClient): Promise<RedisMemory> {
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
  const all = await Promise.all(
    nodes.map(async (node) => {
      const [info, keys] = await Promise.all([node.info('memory'), node.dbsize()]);
      const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
      return {
        keys,
        usedBytes: Number(field('used_memory')),
        maxBytes: Number(field('maxmemory')),
        policy: field('maxmemory_policy'),
      };
    }),
  );
  const sum = (of: (memory: RedisMemory) => number) => all.reduce((total, memory) => total + of(memory), 0);
  return {
    keys: sum(({ keys }) => keys),
    usedBytes: sum(({ usedBytes }) => usedBytes),
    // One node without a limit: the cluster has none that could be told.
    maxBytes: all.some(({ maxBytes }) => maxBytes === 0) ? 0 : sum(({ maxBytes }) => maxBytes),
    policy: all[0]?.policy ?? '',
  };
}
