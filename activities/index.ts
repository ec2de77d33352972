import { createAskPartWarmer } from './ask-part-warmer.ts';
import { createCheckSourceSchema } from './check-source-schema.ts';
import { createPlanBatch } from './plan-batch.ts';
import { createScoreRange } from './score-range.ts';
import { createSeekPositions } from './seek-positions.ts';
import { createInspectRedis } from './inspect-redis.ts';
import { createWarmParts } from './warm-parts.ts';
import { createWarmProfiles } from './warm-profiles.ts';

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
