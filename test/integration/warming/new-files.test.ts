import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFinishProfiles } from '../../../activities/warming/finish-profiles.ts';
import { createPlanProfiles } from '../../../activities/warming/plan-profiles.ts';
import { createWarmProfileSplit } from '../../../activities/warming/warm-profile-split.ts';
import { readCachedFiles } from '../../../cache/writing/cached-files.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { cachedAtOf, closeRedis, readRedisTime, type RedisClient } from '../../../clients/redis.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { versionTexts } from '../../../domain/warming/table-version.ts';
import { startSingleRedis } from '../../support/redis-cluster.ts';
import { connectTo } from '../../support/redis-targets.ts';
import {
  profilesOn,
  runActivity,
  snapshot,
  versionsOf,
  WARM,
  warmDependencies,
} from '../../support/run-activity.ts';

let server: Awaited<ReturnType<typeof startSingleRedis>>;
let redis: RedisClient;
beforeAll(async () => {
  server = await startSingleRedis();
  redis = await connectTo(server.url);
});
afterAll(async () => {
  await closeRedis(redis);
  await server.stop();
});
beforeEach(() => redis.flushall());

/** The rows of each file: file 1 has 30 of them, and a load adds file 2. */
const first = profilesOn('tiktok', 30);
const fileOf = (path: string) => ({ path, bytes: path === '1' ? '1000' : '10', modifiedMs: 0 });

/** A table after this many loads, each of which adds a file. */
function tableOf(...files: readonly (readonly Profile[])[]): Partial<Lakehouse> {
  const rows = files.flat();
  const version = (tables: Parameters<Lakehouse['tableVersions']>[0]) =>
    versionsOf(tables, snapshot(files.length));
  const list = {
    version: versionTexts(version(['kol_profiles']))['kol_profiles'] ?? '',
    columns: '',
    files: files.map((_, index) => fileOf(String(index + 1))),
  };
  async function* pageOf(page: readonly Profile[]) {
    yield await Promise.resolve([...page]);
  }
  return {
    tableVersions: (tables) => Promise.resolve(version(tables)),
    repeatsIds: () => Promise.resolve(false),
    countRows: () => Promise.resolve(rows.length),
    countIds: () => Promise.resolve(new Set(rows.map(profile.idOf)).size),
    dataFiles: () => Promise.resolve({ list }),
    existingIds: (_, ids) => Promise.resolve(new Set(ids)),
    profilesById: (ids) => Promise.resolve(rows.filter((row) => ids.includes(row.kol_id))),
    profileSplit: () => pageOf(rows),
    profilesOfFiles: (paths) => pageOf(paths.flatMap((path) => files[Number(path) - 1] ?? [])),
  };
}

/** Warms all profiles, as the workflow does. */
async function warm(reads: Partial<Lakehouse>) {
  const deps = warmDependencies(redis, reads);
  const plan = await runActivity(createPlanProfiles(deps), WARM);
  const [split] = plan.splits;
  if (split === undefined) return { ...plan.report, isWhole: false };
  const { readAt, versions, idsRepeat } = plan;
  const report = await runActivity(createWarmProfileSplit(deps), {
    ...WARM,
    split,
    idsRepeat,
    readAt,
    versions,
    writesPerSecond: 0,
  });
  await runActivity(createFinishProfiles(deps), {
    ...WARM,
    plan,
    report,
    mayRepeat: false,
    mayReadAgain: false,
  });
  return { ...report, isWhole: true };
}

/** Caches rows as a reader does whose read begins after this time (ms). */
async function readBy(rows: readonly Profile[], afterMs = 0): Promise<void> {
  const cachedAt = cachedAtOf((await readRedisTime(redis)) + afterMs * 1000);
  await writeEntries(
    redis,
    rows.map((row) => profile.toEntry(row.kol_id, row, cachedAt)),
  );
}

test('a new profile that a reader cached before the warm does not hide one that Redis evicted', async () => {
  const added = profilesOn('twitter', 1);
  await warm(tableOf(first));
  await readBy(added);
  await redis.del(profile.key('tiktok-5'));
  expect(await warm(tableOf(first, added))).toMatchObject({ isWhole: true, rowsRead: 31 });
  expect(await redis.exists(profile.key('tiktok-5'))).toBe(1);
});

test('a new profile that a reader cached before the warm costs no read of all rows', async () => {
  const added = profilesOn('twitter', 1);
  await warm(tableOf(first));
  await readBy(added);
  expect(await warm(tableOf(first, added))).toMatchObject({ isWhole: false, rowsRead: 1, cached: 31 });
});

test('a row of an upsert whose id a later read has cached is noticed: its id has several rows', async () => {
  const upserted = first.slice(0, 1);
  await warm(tableOf(first));
  // Within the time by which clocks may differ.
  await readBy(upserted, 2000);
  expect(await warm(tableOf(first, upserted))).toMatchObject({ isWhole: false });
  expect(await readCachedFiles(redis, profile.table)).toMatchObject({ idsRepeat: true });
});

test('a table with too many files is read whole, and the report says so', async () => {
  await warm(tableOf(first));
  const unlisted = 'more than 500 files';
  const table = {
    ...tableOf(first, profilesOn('twitter', 1)),
    dataFiles: () => Promise.resolve({ unlisted }),
  };
  const { skipped } = (await runActivity(createPlanProfiles(warmDependencies(redis, table)), WARM)).report;
  expect(skipped).toEqual([`all rows read: ${unlisted}`]);
  expect(await warm(table)).toMatchObject({ isWhole: true, rowsRead: 31 });
});
