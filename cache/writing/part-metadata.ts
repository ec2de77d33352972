import type { RedisClient } from '../../clients/redis.ts';
import { cacheMetadata, parsePartMetadata, type PartMetadata } from '../../domain/entities/part-metadata.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { unlessWrongType } from '../redis/wrong-type.ts';
import { addFields } from './write-entries.ts';

/** The record of the last warm of a part; null if there is none, it has expired, or the key has another type. */
export const readPartMetadata = async (redis: RedisClient, part: WarmPart): Promise<PartMetadata | null> =>
  parsePartMetadata(await unlessWrongType(redis.hget(cacheMetadata.key, part)));

/** Records a warm of a part; the records of the other parts stay. @throws the first error from Redis */
export const writePartMetadata = (
  redis: RedisClient,
  part: WarmPart,
  metadata: PartMetadata,
): Promise<void> => addFields(redis, { ...cacheMetadata, fields: { [part]: JSON.stringify(metadata) } });
