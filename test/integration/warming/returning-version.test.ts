import { describe, expect, test } from 'vitest';
import { createFinishProfiles } from '../../../activities/warming/finish-profiles.ts';
import { createPlanProfiles } from '../../../activities/warming/plan-profiles.ts';
import { createWarmHotProfiles } from '../../../activities/warming/warm-hot-profiles.ts';
import { MAX_FILLED } from '../../../activities/warming/write-profiles.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { cachedAtOf, readRedisTime } from '../../../clients/redis.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { versionTexts } from '../../../domain/warming/table-version.ts';
import { allKeys } from '../../support/redis.ts';
import {
  profilesOn,
  runActivity,
  useOwnRedis,
  versionsOf,
  WARM,
  warmDependencies,
  warmProfiles,
} from '../../support/run-activity.ts';

// A Hive table whose file is added and removed again has the version that it had before.

const redis = await useOwnRedis();

const first = profilesOn('tiktok', 30);
const [changed, kept] = ['tiktok-0', 'tiktok-9'];
/** A file that changes one profile and adds five. */
const added = [{ ...profilesOn('tiktok', 1)[0], followers_count: 9 } as Profile, ...profilesOn('twitter', 5)];

/** A table of files. @param files may be replaced at any time */
function tableOf(table: { files: readonly (readonly Profile[])[]; onRead?: () => void }): Partial<Lakehouse> {
  const rows = () => [...new Map(table.files.flat().map((row) => [row.kol_id, row])).values()];
  const version = (tables: Parameters<Lakehouse['tableVersions']>[0]) =>
    versionsOf(tables, {
      ...{ kind: 'files', fingerprint: String(table.files.length) },
      newestMs: Date.now() - 60_000,
    });
  async function* pageOf(page: readonly Profile[]) {
    yield await Promise.resolve([...page]);
    table.onRead?.();
  }
  return {
    tableVersions: (tables) => Promise.resolve(version(tables)),
    repeatsIds: () => Promise.resolve(false),
    countRows: () => Promise.resolve(table.files.flat().length),
    countIds: () => Promise.resolve(rows().length),
    dataFiles: () => {
      const files = table.files.map((_, index) => ({
        ...{ path: String(index), bytes: index === 0 ? '1000' : '10', modifiedMs: 0 },
      }));
      const text = versionTexts(version(['kol_profiles']))['kol_profiles'] ?? '';
      return Promise.resolve({ list: { version: text, columns: '', files } });
    },
    existingIds: (_, ids) =>
      Promise.resolve(new Set(ids.filter((id) => rows().some(({ kol_id }) => kol_id === id)))),
    profilesById: (ids) => Promise.resolve(rows().filter(({ kol_id }) => ids.includes(kol_id))),
    profileSplit: () => pageOf(rows()),
    profilesOfFiles: (paths) => pageOf(paths.flatMap((path) => table.files[Number(path)] ?? [])),
    mostFollowed: () => pageOf(rows()),
  };
}

/** Caches rows as a reader does now. */
async function readBy(rows: readonly Profile[]): Promise<void> {
  const cachedAt = cachedAtOf((await readRedisTime(redis)) + 1000);
  await writeEntries(
    redis,
    rows.map((row) => profile.toEntry(row.kol_id, row, cachedAt)),
  );
}

const followers = (id: string) => redis.hget(profile.key(id), 'followers_count');
const cachedProfiles = async () =>
  (await allKeys(redis)).filter((key) => key.startsWith(profile.key(''))).sort();
const keysOf = (rows: readonly Profile[]) => rows.map((row) => profile.key(row.kol_id)).sort();

describe('a warm of all profiles', () => {
  test('that a removed file interrupted leaves no row of that file', async () => {
    const table = { files: [first], onRead: () => {} };
    const lakehouse = tableOf(table);
    await warmProfiles(redis, lakehouse);
    const withFile = { files: [first, added], onRead: () => void (withFile.files = [first]) };
    const { skipped } = await warmProfiles(redis, tableOf(withFile));
    expect(skipped.join()).toContain('unchanged since');
    expect(await followers(changed)).toBe('7');
    expect(await cachedProfiles()).toEqual(keysOf(first));
  });

  test('reads what a reader has cached since, and removes what the table does not have', async () => {
    const lakehouse = tableOf({ files: [first] });
    await warmProfiles(redis, lakehouse);
    await readBy(added);
    await redis.expire(profile.key(kept), 60);
    expect(await warmProfiles(redis, lakehouse)).toMatchObject({
      ...{ isWhole: false, rowsRead: 1, renewed: 29, keys: 1, removed: 5, cached: 30 },
    });
    expect(await followers(changed)).toBe('7');
    expect(await redis.ttl(profile.key(kept))).toBeGreaterThan(60);
    expect(await cachedProfiles()).toEqual(keysOf(first));
  });

  test('notices a missing profile, also when readers have cached as many that the table does not have', async () => {
    const lakehouse = tableOf({ files: [first] });
    await warmProfiles(redis, lakehouse);
    await readBy(added);
    await redis.del(profile.key(kept));
    expect(await warmProfiles(redis, lakehouse)).toMatchObject({ isWhole: true, rowsRead: 30 });
    expect(await cachedProfiles()).toEqual(keysOf(first));
  });

  test('reads all rows when readers have cached too many to read by id', async () => {
    const lakehouse = tableOf({ files: [first] });
    await warmProfiles(redis, lakehouse);
    await readBy(profilesOn('twitter', MAX_FILLED + 1));
    expect(await warmProfiles(redis, lakehouse)).toMatchObject({ isWhole: true, rowsRead: 30 });
    expect(await cachedProfiles()).toEqual(keysOf(first));
  });

  test('begins again when the files change before it removes a profile', async () => {
    const table = { files: [first] };
    const lakehouse = tableOf(table);
    await warmProfiles(redis, lakehouse);
    await readBy(added);
    const existingIds: Lakehouse['existingIds'] = (_, ids) => {
      table.files = [first, added];
      return Promise.resolve(new Set(ids.filter((id) => !id.startsWith('twitter'))));
    };
    const { removed, cached } = await warmProfiles(redis, { ...lakehouse, existingIds });
    expect({ removed, cached }).toEqual({ removed: 0, cached: 35 });
    expect(await followers(changed)).toBe('9');
  });
});

test('a warm of hot profiles reads those that a reader has cached since', async () => {
  const lakehouse = tableOf({ files: [first] });
  const deps = warmDependencies(redis, lakehouse);
  const args = { ...WARM, allProfiles: false };
  const hot = { ...deps, profiles: { ...deps.profiles, fixedRoom: 20, perPlatform: 20 } };
  const plan = await runActivity(createPlanProfiles(hot), args);
  const { readAt, versions, room } = plan;
  const report = await runActivity(createWarmHotProfiles(hot), {
    ...{ ...args, readAt, versions, room: room ?? 0, writesPerSecond: 0 },
  });
  await runActivity(createFinishProfiles(hot), {
    ...{ ...args, plan, report, mayRepeat: false, mayReadAgain: false },
  });
  await readBy(added);

  const { report: again } = await runActivity(createPlanProfiles(hot), args);
  expect(again).toMatchObject({ rowsRead: 1, keys: 1, renewed: 19, cached: 20 });
  expect(await followers(changed)).toBe('7');
});
