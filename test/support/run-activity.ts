import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeEach } from 'vitest';
import { createFinishProfiles } from '../../activities/warming/finish-profiles.ts';
import type { WarmPartArgs } from '../../activities/warming/part-warm.ts';
import { createPlanProfiles } from '../../activities/warming/plan-profiles.ts';
import { createWarmProfileSplit } from '../../activities/warming/warm-profile-split.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { closeRedis, type RedisClient } from '../../clients/redis.ts';
import type { Profile } from '../../domain/entities/profile.ts';
import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import type { TableVersion, TableVersions } from '../../domain/warming/table-version.ts';
import { profileOf } from './cache-values.ts';
import { startSingleRedis } from './redis-cluster.ts';
import { connectTo } from './redis-targets.ts';

/** Arguments of a warm of all profiles, or of a part made of sets. */
export const WARM: WarmPartArgs = {
  trigger: 'manual',
  runId: 'test',
  dryRun: false,
  allProfiles: true,
  force: false,
  allowShrink: false,
};

/** A Redis for one test file, empty before each test. */
export async function useOwnRedis(): Promise<RedisClient> {
  const server = await startSingleRedis();
  const redis = await connectTo(server.url);
  afterAll(async () => {
    await closeRedis(redis);
    await server.stop();
  });
  beforeEach(() => redis.flushall());
  return redis;
}

/** Runs an activity like a worker. */
export const runActivity = <Args, Result>(
  activity: (args: Args) => Promise<Result>,
  args: Args,
  environment = new MockActivityEnvironment(),
): Promise<Result> => environment.run(activity, args);

/** The dependencies of warm activities, with reads from the test. A test fails if it uses a read that it does not provide. */
export const warmDependencies = (redis: RedisClient, reads: Partial<Lakehouse>) => ({
  redis,
  lakehouse: reads as Lakehouse,
  settleSeconds: 0,
  renewal: { maxAgeSeconds: 86_400, minTtlSeconds: 1020, writesPerSecond: 0 },
  maxShrinkPercent: 50,
  graceSeconds: 120,
  profiles: {
    memoryPercent: 25,
    warmEverySeconds: 900,
    perPlatform: 100,
    rowsPerSplit: 100_000,
    parallelSplits: 1,
    writesPerSecond: 0,
  },
});

/** A snapshot that became the current one on the day of this number. */
export const snapshot = (day: number): TableVersion => ({
  kind: 'snapshot',
  id: String(day),
  since: new Date(Date.UTC(2026, 0, day)).toISOString(),
});

/** The same version of each of these tables. */
export const versionsOf = (tables: readonly SilverTable[], version: TableVersion): TableVersions =>
  Object.fromEntries(tables.map((table) => [table, version]));

/** Profiles of a platform. */
export const profilesOn = (platform: string, count: number): Profile[] =>
  Array.from({ length: count }, (_, index) => ({ ...profileOf(`${platform}-${index}`), platform }));

/** Warms all profiles, like the workflow. @returns the report, and whether all rows were read */
export async function warmProfiles(redis: RedisClient, reads: Partial<Lakehouse>, args: WarmPartArgs = WARM) {
  const deps = warmDependencies(redis, reads);
  const plan = await runActivity(createPlanProfiles(deps), args);
  const [split] = plan.splits;
  if (split === undefined) return { ...plan.report, isWhole: false };
  const { readAt, versions, idsRepeat } = plan;
  const ofSplit = { ...args, split, idsRepeat, readAt, versions, writesPerSecond: 0 };
  const report = await runActivity(createWarmProfileSplit(deps), ofSplit);
  const end = { ...args, plan, report, mayRepeat: false, mayReadAgain: false };
  await runActivity(createFinishProfiles(deps), end);
  return { ...report, isWhole: true };
}
