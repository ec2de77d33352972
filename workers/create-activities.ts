import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  createSliceActivities,
  createSteeringActivities,
  createWarmActivities,
  type SliceActivities,
  type SteeringActivities,
  type WarmActivities,
} from '../activities/index.ts';
import type { Clients, ProcessProfile } from '../clients/create-clients.ts';
import type { Config } from '../config/config.ts';
import type { LoopSettings } from '../contract/scoring-loop.ts';
import { SCORING_TASK_QUEUE } from '../contract/task-queues.ts';

/** A split takes some seconds, so a crash loses little work, and its scan of all ids is a small part of the time. */
const ROWS_PER_SPLIT = 100_000;
/** A worker checks the schema at every warm; the hot path uses the result of a check that is at most this old. */
const SCHEMA_MAX_AGE_SECONDS = 60;

/** The clients that a worker needs. */
export const workerProfile = (config: Config): ProcessProfile => ({
  name: 'kol-cache-worker',
  redisUse: 'work',
  maxQuerySeconds: Infinity,
  schemaMaxAgeSeconds: SCHEMA_MAX_AGE_SECONDS,
  lazyTemporal: false,
  snapshotFeatures: config.WORKER_TASK_QUEUES.includes(SCORING_TASK_QUEUE),
});

/** The activities of a worker. It also creates clients that no activity of its task queues uses. */
export async function createActivities(
  config: Config,
  clients: Clients,
  /** Aborted when the worker starts to shut down: slices then end after the batch in flight. */
  draining: AbortSignal,
): Promise<{
  readonly warm: WarmActivities;
  readonly steering: SteeringActivities;
  readonly slices: SliceActivities;
}> {
  const redis = await clients.redis();
  const temporal = await clients.temporal();
  const partitionDeps = {
    offsets: clients.offsets(),
    transactions: clients.transactions(),
    // the name of this worker process; a restarted worker has another name
    worker: `${hostname()}/${randomUUID()}`,
  };
  return {
    warm: createWarmActivities({
      redis,
      lakehouse: clients.warmLakehouse(),
      silver: clients.silver(),
      temporal,
      settleSeconds: config.WARM_SETTLE_SECONDS,
      maxShrinkPercent: config.WARM_MAX_SHRINK_PERCENT,
      graceSeconds: config.WARM_GRACE_SECONDS,
      renewal: {
        maxAgeSeconds: config.WARM_REFUSED_RENEWAL_SECONDS,
        minTtlSeconds: config.WARM_EVERY_MINUTES * 60 + config.WARM_GRACE_SECONDS,
        writesPerSecond: config.WARM_WRITES_PER_SECOND,
      },
      sizes: { listSize: config.WARM_LIST_SIZE, rankingLimits: config.WARM_RANKING_LIMITS },
      profiles: {
        fixedRoom: config.WARM_PROFILES,
        memoryPercent: config.WARM_PROFILES_MEMORY_PERCENT,
        warmEverySeconds: config.WARM_EVERY_MINUTES * 60,
        perPlatform: Math.max(...config.WARM_RANKING_LIMITS),
        rowsPerSplit: ROWS_PER_SPLIT,
        // Splits at a limited rate hold their queries for up to a minute. So one query is left for the other parts, even if all splits run
        // on one worker.
        parallelSplits: config.WARM_TRINO_QUERIES - 1,
        writesPerSecond: config.WARM_WRITES_PER_SECOND,
      },
    }),
    steering: createSteeringActivities({
      ...partitionDeps,
      temporal,
      loopDefaults: { group: config.SCORING_GROUP, settings: loopSettings(config) },
    }),
    slices: createSliceActivities({
      ...partitionDeps,
      draining,
      reader: clients.recordReader(),
      lookUpFeatures: clients.lookUpFeatures(),
      lookUpContent: clients.lookUpContent(),
      mlApi: clients.mlApi(),
      redis,
    }),
  };
}

/** The settings of the scoring loops that the environment names. The others are left to operators and defaults. */
export function loopSettings(config: Config): Partial<LoopSettings> {
  const {
    SCORING_TRIGGER: trigger,
    SCORING_MAX_OFFSETS: maxOffsets,
    SCORING_LATE_EVENTS: lateEvents,
  } = config;
  return {
    ...(trigger !== undefined && { trigger }),
    ...(maxOffsets !== undefined && { maxOffsets }),
    ...(lateEvents !== undefined && { lateEvents }),
  };
}
