import { createAwaitShardUpdate } from './scoring/await-shard-update.ts';
import { createScorePartition } from './scoring/score-partition.ts';
import { createSeekPartition } from './scoring/seek-partition.ts';
import { createSendShardUpdate } from './scoring/send-shard-update.ts';
import { createStartPartitions } from './scoring/start-partitions.ts';
import { createCheckSourceSchema } from './warming/check-source-schema.ts';
import { createDropOutdated } from './warming/drop-outdated.ts';
import { createFinishProfiles } from './warming/finish-profiles.ts';
import { createGetRedisMemory } from './warming/get-redis-memory.ts';
import { createPlanProfiles } from './warming/plan-profiles.ts';
import { createSignalPartWarmer } from './warming/signal-part-warmer.ts';
import { createWarmContentIds } from './warming/warm-content-ids.ts';
import { createWarmHotProfiles } from './warming/warm-hot-profiles.ts';
import { createWarmLists } from './warming/warm-lists.ts';
import { createWarmProfileIds } from './warming/warm-profile-ids.ts';
import { createWarmProfileSplit } from './warming/warm-profile-split.ts';
import { createWarmRankings } from './warming/warm-rankings.ts';
import { createWarmSearch } from './warming/warm-search.ts';
import { createWarmStats } from './warming/warm-stats.ts';
import { createWarmTrending } from './warming/warm-trending.ts';

type DepsOf<Create extends (deps: never) => unknown> = Parameters<Create>[0];

/** Activities of the warm task queue: they read Trino and write Redis. */
export const createWarmActivities = (
  deps: DepsOf<typeof createCheckSourceSchema> &
    DepsOf<typeof createSignalPartWarmer> &
    DepsOf<typeof createPlanProfiles> &
    DepsOf<typeof createWarmRankings> &
    DepsOf<typeof createWarmLists>,
) => ({
  checkSourceSchema: createCheckSourceSchema(deps),
  signalPartWarmer: createSignalPartWarmer(deps),
  dropOutdated: createDropOutdated(deps),
  getRedisMemory: createGetRedisMemory(deps),
  planProfiles: createPlanProfiles(deps),
  warmProfileSplit: createWarmProfileSplit(deps),
  warmHotProfiles: createWarmHotProfiles(deps),
  warmProfileIds: createWarmProfileIds(deps),
  finishProfiles: createFinishProfiles(deps),
  warmRankings: createWarmRankings(deps),
  warmTrending: createWarmTrending(deps),
  warmContentIds: createWarmContentIds(deps),
  warmStats: createWarmStats(deps),
  warmSearch: createWarmSearch(deps),
  warmLists: createWarmLists(deps),
});
export type WarmActivities = ReturnType<typeof createWarmActivities>;

/** Activities of the scoring task queue: they start partitions, seek them, and pass updates on to other shards. */
export const createSteeringActivities = (
  deps: DepsOf<typeof createStartPartitions> &
    DepsOf<typeof createSeekPartition> &
    DepsOf<typeof createSendShardUpdate>,
) => ({
  startPartitions: createStartPartitions(deps),
  seekPartition: createSeekPartition(deps),
  sendShardUpdate: createSendShardUpdate(deps),
  awaitShardUpdate: createAwaitShardUpdate(deps),
});

/** Activities of the slice task queue: they read and write Kafka, call the ML API and write Redis. */
export const createSliceActivities = (deps: DepsOf<typeof createScorePartition>) => ({
  scorePartition: createScorePartition(deps),
});
export type SteeringActivities = ReturnType<typeof createSteeringActivities>;
export type SliceActivities = ReturnType<typeof createSliceActivities>;
export type ScoringActivities = SteeringActivities & SliceActivities;
