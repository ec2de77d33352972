import type { RedisClient } from '../../clients/redis.ts';
import { ALL_PROFILES, type PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile } from '../../domain/entities/profile.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { scanEntities } from '../redis/scan-entities.ts';
import { readHotIds } from './hot-ids.ts';
import { FENCE_SECONDS, fenceKey } from './read-fence.ts';
import { refreshTtls } from './refresh-ttl.ts';

/**
 * Renews all cached keys of a part, without reading the lakehouse. Sets that a reader has filled since the last warm are renewed too.
 * @param last the last good warm of the part
 * @param minTtlSeconds minimum TTL of each key, also if its normal TTL is shorter
 * @param pause is awaited with the number of profiles after each page of them
 * @returns how many keys are cached
 * @throws the first error from Redis
 */
export const renewPart = (
  redis: RedisClient,
  part: WarmPart,
  last: PartMetadata,
  minTtlSeconds: number,
  pause: (profiles: number) => Promise<void>,
): Promise<number> =>
  part === 'profiles'
    ? renewProfileKeys(redis, last, minTtlSeconds, pause)
    : renewSetKeys(redis, last, minTtlSeconds);

async function renewSetKeys(
  redis: RedisClient,
  { sets }: PartMetadata,
  minTtlSeconds: number,
): Promise<number> {
  const keys = Object.entries(sets).map(([key, { ttlSeconds }]) => ({
    key,
    ttlSeconds: Math.max(ttlSeconds, minTtlSeconds),
  }));
  await refreshTtls(
    redis,
    keys.map(({ key, ttlSeconds }) => ({
      key: fenceKey(key),
      ttlSeconds: Math.max(ttlSeconds, FENCE_SECONDS),
    })),
  );
  return refreshTtls(redis, keys);
}

/** With hot profiles, renews only those that warms chose: profiles that readers cached since would exceed the room. */
async function renewProfileKeys(
  redis: RedisClient,
  last: PartMetadata,
  minTtlSeconds: number,
  pause: (profiles: number) => Promise<void>,
): Promise<number> {
  const oldest = last.oldest_read_at ?? last.read_at;
  const isHot = last.shape === ALL_PROFILES ? () => true : await readHotIds(redis);
  const ttlSeconds = Math.max(profile.ttlSeconds, minTtlSeconds);
  let renewed = 0;
  for await (const page of scanEntities(redis, profile)) {
    const due = page.filter(
      ({ id, cachedAt }) => cachedAt === last.read_at || (cachedAt >= oldest && isHot(id)),
    );
    renewed += await refreshTtls(
      redis,
      due.map(({ id }) => ({ key: profile.key(id), ttlSeconds })),
    );
    await pause(due.length);
  }
  return renewed;
}
