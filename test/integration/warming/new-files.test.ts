import { expect, test } from 'vitest';
import { createPlanProfiles } from '../../../activities/warming/plan-profiles.ts';
import { readCachedFiles } from '../../../cache/writing/cached-files.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { cachedAtOf, readRedisTime } from '../../../clients/redis.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { versionTexts } from '../../../domain/warming/table-version.ts';
import {
  profilesOn,
  runActivity,
  snapshot,
  useOwnRedis,
  versionsOf,
  WARM,
  warmDependencies,
  warmProfiles,
} from '../../support/run-activity.ts';

const redis = await useOwnRedis();

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

const warm = (reads: Partial<Lakehouse>) => warmProfiles(redis, reads);

/** Caches rows like a reader whose read begins after this time (ms). */
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
