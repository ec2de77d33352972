import { createAskPartWarmer } from './warming/signal-part-warmer.ts';
import { createCheckSourceSchema } from './warming/check-source-schema.ts';
import { createPlanBatch } from './scoring/plan-batch.ts';
import { createScoreRange } from './scoring/score-range.ts';
import { createSeekPositions } from './scoring/seek-partitions.ts';
import { createInspectRedis } from './warming/get-redis-memory.ts';
import { createWarmParts } from './warming/warm-parts.ts';
import { createWarmProfiles } from './warming/warm-profiles.ts';

type DepsOf<Create extends (deps: never) => unknown> = Parameters<Create>[0];

/** Activities of the warm task queue: they read Trino and write Redis. */
export const createWarmActivities = (
  deps: DepsOf<typeof createWarmParts> &
    DepsOf<typeof createWarmProfiles> &
    DepsOf<typeof createCheckSourceSchema> &
    DepsOf<typeof createAskPartWarmer>,
) => ({
  ...createWarmParts(deps),
  ...createWarmProfiles(deps),
  inspectRedis: createInspectRedis(deps),
  checkSourceSchema: createCheckSourceSchema(deps),
  askPartWarmer: createAskPartWarmer(deps),
});
export type WarmActivities = ReturnType<typeof createWarmActivities>;

/** Activities of the scoring task queue: they read and write Kafka, call the ML API and write Redis. */
export const createScoringActivities = (
  deps: DepsOf<typeof createPlanBatch> & DepsOf<typeof createScoreRange> & DepsOf<typeof createSeekPositions>,
) => ({
  planBatch: createPlanBatch(deps),
  scoreRange: createScoreRange(deps),
  seekPositions: createSeekPositions(deps),
});
export type ScoringActivities = ReturnType<typeof createScoringActivities>;
