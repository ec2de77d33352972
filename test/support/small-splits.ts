import { createWarmProfiles, type WarmProfilesDeps } from '../../activities/warming/warm-profiles.ts';
import { closeRedis, connectRedis } from '../../clients/redis.ts';
import { createLakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { createSilverCatalog } from '../../clients/lakehouse/silver-catalog.ts';
import { createTrino } from '../../clients/lakehouse/trino.ts';
import type { Config } from '../../config/config.ts';
import { formatSchemaProblem } from '../../domain/schema/silver-tables.ts';

/** The activities of the profiles, with splits that suit a small lakehouse. */
export async function smallSplits(
  config: Config,
  options: Pick<WarmProfilesDeps['profiles'], 'rowsPerSplit' | 'parallelSplits' | 'writesPerSecond'> &
    Partial<Pick<WarmProfilesDeps['profiles'], 'fixedRoom' | 'perPlatform'>>,
): Promise<ReturnType<typeof createWarmProfiles> & { close(): Promise<void> }> {
  const redis = await connectRedis(config.REDIS_URL, 'work', { onError: () => {} });
  const trino = createTrino({ url: config.TRINO_URL, user: config.TRINO_USER, queryTimeoutSeconds: 60 });
  const silver = createSilverCatalog(
    trino,
    { catalog: config.TRINO_CATALOG, schema: config.TRINO_SCHEMA },
    formatSchemaProblem,
  );
  const activities = createWarmProfiles({
    redis,
    lakehouse: createLakehouse(trino, silver),
    maxShrinkPercent: 50,
    profiles: { memoryPercent: 25, warmEverySeconds: 900, perPlatform: 100, ...options },
  });
  return { ...activities, close: () => closeRedis(redis) };
}
