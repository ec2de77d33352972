import { Cluster, type ChainableCommander } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import { execClusterPipeline } from './cluster-pipeline.ts';

/** A row of the lakehouse in the cache, and when it was read. */
export interface CachedEntity {
  readonly id: string;
  readonly cachedAt: string;
}

/** Keys that one SCAN step looks at: about a millisecond of Redis. */
const STEP = 1000;

/**
 * Walks over all cached rows of an entity, a bounded page at a time; those that are written meanwhile, or move to another node of
 * a cluster, may be missed or met twice.
 * @throws the first error that Redis answered
 */
export async function* scanEntities(
  redis: RedisClient,
  { key: keyOf }: Pick<TableEntity<Fields>, 'key'>,
): AsyncGenerator<CachedEntity[]> {
  const prefix = keyOf('');
  for (const node of redis instanceof Cluster ? redis.nodes('master') : [redis]) {
    let cursor = '0';
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', STEP);
      cursor = next;
      if (keys.length === 0) continue;
      // Not by the node itself: keys of a slot that is moving are scanned where they cannot be read.
      const replies = await execClusterPipeline(
        redis,
        keys.map((key) => ({
          key,
          queue: (pipeline: ChainableCommander) => pipeline.hget(key, 'cached_at'),
          send: () => redis.hget(key, 'cached_at'),
        })),
      );
      yield keys.flatMap((key, index) => {
        const [error, cachedAt] = replies[index] ?? [];
        if (error) throw error;
        return typeof cachedAt === 'string' ? [{ id: key.slice(prefix.length), cachedAt }] : [];
      });
    } while (cursor !== '0');
  }
}
