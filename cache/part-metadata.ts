import type { RedisClient } from '../clients/redis.ts';
import { cacheMetadata, parsePartMetadata, type PartMetadata } from '../domain/entities/metadata.ts';
import type { WarmPart } from '../domain/warming.ts';

/** What the last warm of a part noted; null where there was none, or it was too long ago. */
export const readPartMetadata = async (redis: RedisClient, part: WarmPart): Promise<PartMetadata | null> =>
  parsePartMetadata(await redis.hget(cacheMetadata.key, part));

export async function writePartMetadata(
  redis: RedisClient,
  part: WarmPart,
  metadata: PartMetadata,
): Promise<void> {
  const replies = await redis
    .multi()
    .hset(cacheMetadata.key, part, JSON.stringify(metadata))
    .expire(cacheMetadata.key, cacheMetadata.ttlSeconds)
    .exec();
  for (const [error] of replies ?? []) if (error) throw error;
}
