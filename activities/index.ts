import { createSignalPartWarmer } from './warming/signal-part-warmer.ts';
import { createCheckSourceSchema } from './warming/check-source-schema.ts';
import { createPlanBatch } from './scoring/plan-batch.ts';
import { createScoreRange } from './scoring/score-range.ts';
import { createSeekPartitions } from './scoring/seek-partitions.ts';
import { createGetRedisMemory } from './warming/get-redis-memory.ts';
import { createWarmParts } from './warming/warm-parts.ts';
import { createWarmProfiles } from './warming/warm-profiles.ts';

type DepsOf<Create extends (deps: never) => unknown> = Parameters<Create>[0];

/** Activities of the warm task queue: they read Trino and write Redis. */
export const createWarmActivities = (
  deps: DepsOf<typeof createWarmParts> &
    DepsOf<typeof createWarmProfiles> &
    DepsOf<typeof createCheckSourceSchema> &
    DepsOf<typeof createSignalPartWarmer>,
) => ({
  ...createWarmParts(deps),
  ...createWarmProfiles(deps),
  getRedisMemory: createGetRedisMemory(deps),
  checkSourceSchema: createCheckSourceSchema(deps),
  signalPartWarmer: createSignalPartWarmer(deps),
});
export type WarmActivities = ReturnType<typeof createWarmActivities>;

/** Activities of the scoring task queue: they read and write Kafka, call the ML API and write Redis. */
export const createScoringActivities = (
  deps: DepsOf<typeof createPlanBatch> & DepsOf<typeof createScoreRange> & DepsOf<typeof createSeekPartitions>,
) => ({
  planBatch: createPlanBatch(deps),
  scoreRange: createScoreRange(deps),
  seekPartitions: createSeekPartitions(deps),
});
export type ScoringActivities = ReturnType<typeof createScoringActivities>;
