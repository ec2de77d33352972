import type { RedisClient } from '../../clients/redis.ts';
import { formatHotIds, hotIds, parseHotIds } from '../../domain/entities/hot-ids.ts';
import { unlessWrongType } from '../redis/wrong-type.ts';

/** Returns a check whether the last warm of hot profiles chose an id. Restores the TTL of the list. */
export const readHotIds = async (redis: RedisClient): Promise<(id: string) => boolean> =>
  parseHotIds(await unlessWrongType(redis.getex(hotIds.key, 'EX', hotIds.ttlSeconds)));

/** Stores which profiles a warm chose. */
export async function writeHotIds(redis: RedisClient, ids: readonly string[]): Promise<void> {
  await redis.set(hotIds.key, formatHotIds(ids), 'EX', hotIds.ttlSeconds);
}
