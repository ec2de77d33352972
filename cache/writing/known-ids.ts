import type { RedisClient } from '../../clients/redis.ts';
import { knownIds, type FilteredIds, type LastRead } from '../../domain/entities/known-ids.ts';
import { unlessWrongType } from '../redis/wrong-type.ts';

/** The record of the last warm that read the table of a filter; null if unknown. */
export async function readLastRead(
  redis: RedisClient,
  { name, table }: Pick<FilteredIds, 'name' | 'table'>,
): Promise<LastRead | null> {
  const fields = await unlessWrongType(redis.hmget(knownIds.key(name), 'version', 'rows', 'warmed_at'));
  const [version, rows, warmed_at] = fields ?? [];
  return knownIds.lastRead(table, { version, rows, warmed_at });
}
