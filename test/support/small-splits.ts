import type { WarmActivities } from '../../activities/index.ts';
import { createPlanProfiles } from '../../activities/warming/plan-profiles.ts';
import type { ProfileOptions } from '../../activities/warming/profile-options.ts';
import { createWarmHotProfiles } from '../../activities/warming/warm-hot-profiles.ts';
import { createWarmProfileSplit } from '../../activities/warming/warm-profile-split.ts';
import { closeRedis, connectRedis } from '../../clients/redis.ts';
import { createLakehouse, type Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { createSilverCatalog } from '../../clients/lakehouse/silver-catalog.ts';
import { createTrino } from '../../clients/lakehouse/trino.ts';
import type { Config } from '../../config/config.ts';

/** The activities that read profiles in bulk, over their own clients. */
export interface SmallSplits extends Pick<
  WarmActivities,
  'planProfiles' | 'warmProfileSplit' | 'warmHotProfiles'
> {
  close(): Promise<void>;
}

/**
 * Creates these activities with splits that suit a small lakehouse.
 * @param change reads that replace the real ones
 */
export async function smallSplits(
  config: Config,
  options: Pick<ProfileOptions, 'rowsPerSplit' | 'parallelSplits' | 'writesPerSecond'> &
    Partial<Pick<ProfileOptions, 'fixedRoom' | 'perPlatform'>>,
  change: (real: Lakehouse) => Partial<Lakehouse> = () => ({}),
): Promise<SmallSplits> {
  const redis = await connectRedis(config.REDIS_URL, 'work', { onError: () => {} });
  const trino = createTrino({ url: config.TRINO_URL, user: config.TRINO_USER, queryTimeoutSeconds: 60 });
  const silver = createSilverCatalog(trino, { catalog: config.TRINO_CATALOG, schema: config.TRINO_SCHEMA });
  const lakehouse = createLakehouse(trino, silver);
  const deps = {
    redis,
    lakehouse: { ...lakehouse, ...change(lakehouse) },
    settleSeconds: config.WARM_SETTLE_SECONDS,
    maxShrinkPercent: 50,
    renewal: { maxAgeSeconds: 3600, minTtlSeconds: 1020, writesPerSecond: 0 },
    profiles: { memoryPercent: 25, warmEverySeconds: 900, perPlatform: 100, ...options },
  };
  return {
    planProfiles: createPlanProfiles(deps),
    warmProfileSplit: createWarmProfileSplit(deps),
    warmHotProfiles: createWarmHotProfiles(deps),
    close: () => closeRedis(redis),
  };
}
