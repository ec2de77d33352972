import { MockActivityEnvironment } from '@temporalio/testing';
import type { WarmPartArgs } from '../../activities/warming/part-warm.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { RedisClient } from '../../clients/redis.ts';
import type { Profile } from '../../domain/entities/profile.ts';
import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import type { TableVersion, TableVersions } from '../../domain/warming/table-version.ts';
import { profileOf } from './cache-values.ts';

/** Arguments of a warm of all profiles, or of a part made of sets. */
export const WARM: WarmPartArgs = {
  trigger: 'manual',
  runId: 'test',
  dryRun: false,
  allProfiles: true,
  force: false,
  allowShrink: false,
};

/** Runs an activity as a worker does. */
export const runActivity = <Args, Result>(
  activity: (args: Args) => Promise<Result>,
  args: Args,
  environment = new MockActivityEnvironment(),
): Promise<Result> => environment.run(activity, args);

/** What the activities of warms need, over reads that a test gives. A test fails if it does not give a read that is used. */
export const warmDependencies = (redis: RedisClient, reads: Partial<Lakehouse>) => ({
  redis,
  lakehouse: reads as Lakehouse,
  settleSeconds: 0,
  renewal: { maxAgeSeconds: 86_400, minTtlSeconds: 1020 },
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
