import type { RedisClient } from '../../clients/redis.ts';
import { cacheMetadata, parsePartMetadata, type PartMetadata } from '../../domain/entities/part-metadata.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { addFields } from './write-entries.ts';

/** What the last warm of a part noted; null where there was none, or it was too long ago. */
export const readPartMetadata = async (redis: RedisClient, part: WarmPart): Promise<PartMetadata | null> =>
  parsePartMetadata(await redis.hget(cacheMetadata.key, part));

/** Notes a warm of a part beside those of the others. @throws the first error that Redis answered */
export const writePartMetadata = (
  redis: RedisClient,
  part: WarmPart,
  metadata: PartMetadata,
): Promise<void> =>
  addFields(redis, { ...cacheMetadata, type: 'hash', fields: { [part]: JSON.stringify(metadata) } });
