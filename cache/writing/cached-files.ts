import type { RedisClient } from '../../clients/redis.ts';
import { cachedFiles, parseCachedFiles } from '../../domain/entities/cached-files.ts';
import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import type { CachedFiles } from '../../domain/warming/changed-files.ts';
import { unlessWrongType } from '../redis/wrong-type.ts';

/** The files of a table whose rows are cached; null if unknown. Restores the TTL of the list. */
export const readCachedFiles = async (redis: RedisClient, table: SilverTable): Promise<CachedFiles | null> =>
  parseCachedFiles(await unlessWrongType(redis.getex(cachedFiles.key(table), 'EX', cachedFiles.ttlSeconds)));

/** Stores the files of a table whose rows are cached. @param files null if they are unknown */
export async function writeCachedFiles(
  redis: RedisClient,
  table: SilverTable,
  files: CachedFiles | null,
): Promise<void> {
  const key = cachedFiles.key(table);
  if (files === null) await redis.unlink(key);
  else await redis.set(key, JSON.stringify(files), 'EX', cachedFiles.ttlSeconds);
}
