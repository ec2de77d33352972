import type { ChainableCommander } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import { execClusterPipeline } from './cluster-pipeline.ts';
import { masterNodes } from './master-nodes.ts';

/** A lakehouse row in the cache. */
export interface CachedEntity {
  readonly id: string;
  /** When the row was read from the lakehouse, ISO 8601. */
  readonly cachedAt: string;
}

/** Keys that one SCAN step looks at: about a millisecond of Redis. */
const SCAN_COUNT = 1000;

/**
 * Yields all cached rows of an entity in bounded pages. Rows that are written during the scan, or that move to another node of a
 * cluster, may be missed or yielded twice.
 * @throws the first error that Redis answered
 */
export async function* scanEntities(
  redis: RedisClient,
  { key: keyOf }: Pick<TableEntity<Fields>, 'key'>,
): AsyncGenerator<CachedEntity[]> {
  const prefix = keyOf('');
  for (const node of masterNodes(redis)) {
    let cursor = '0';
    do {
      const [nextCursor, keys] = await node.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', SCAN_COUNT);
      cursor = nextCursor;
      if (keys.length === 0) continue;
      // Not on the scanned node: while a slot moves, a node also lists keys that it no longer serves.
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
