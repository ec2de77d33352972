import { describe, expect, test } from 'vitest';
import { createDropOutdated } from '../../../activities/warming/drop-outdated.ts';
import { createFinishProfiles } from '../../../activities/warming/finish-profiles.ts';
import { createPlanProfiles } from '../../../activities/warming/plan-profiles.ts';
import { createWarmHotProfiles } from '../../../activities/warming/warm-hot-profiles.ts';
import { MAX_FILLED } from '../../../activities/warming/write-profiles.ts';
import { writePartMetadata } from '../../../cache/writing/part-metadata.ts';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { cachedAtOf, readRedisTime } from '../../../clients/redis.ts';
import { content } from '../../../domain/entities/content.ts';
import { dailyStats } from '../../../domain/entities/daily-stats.ts';
import { kolContent } from '../../../domain/entities/kol-content.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { versionTexts } from '../../../domain/warming/table-version.ts';
import { contentOf, partMetadataOf } from '../../support/cache-values.ts';
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
import { until } from '../../support/until.ts';

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

const redisNow = async () => cachedAtOf(await readRedisTime(redis));

/** Caches rows like a reader now. @returns their `cached_at` */
async function readBy(rows: readonly Profile[]): Promise<string> {
  const cachedAt = cachedAtOf((await readRedisTime(redis)) + 1000);
  await writeEntries(
    redis,
    rows.map((row) => profile.toEntry(row.kol_id, row, cachedAt)),
  );
  return cachedAt;
}

const followers = (id: string) => redis.hget(profile.key(id), 'followers_count');
const cachedProfiles = async () =>
  (await allKeys(redis)).filter((key) => key.startsWith(profile.key(''))).sort();
const keysOf = (rows: readonly Profile[]) => rows.map((row) => profile.key(row.kol_id)).sort();

describe('a warm of all profiles', () => {
  test('that a removed file interrupted keeps no row of that file', async () => {
    const table = { files: [first], onRead: () => {} };
    const lakehouse = tableOf(table);
    await warmProfiles(redis, lakehouse);
    const withFile = { files: [first, added], onRead: () => void (withFile.files = [first]) };
    const { skipped } = await warmProfiles(redis, tableOf(withFile));
    expect(skipped.join()).toContain('unchanged since');
    expect(await followers(changed)).toBe('7');
    expect(await cachedProfiles()).toEqual(keysOf(first));
  });

  test('reads the profiles that a reader has cached since, and removes those that the table does not have', async () => {
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

describe('a warm of hot profiles', () => {
  const lakehouse = tableOf({ files: [first] });
  const deps = warmDependencies(redis, lakehouse);
  const args = { ...WARM, allProfiles: false };
  const hot = { ...deps, profiles: { ...deps.profiles, fixedRoom: 20, perPlatform: 20 } };
  const plan = () => runActivity(createPlanProfiles(hot), args);
  const warmHot = async () => {
    const planned = await plan();
    const { readAt, versions, room } = planned;
    const report = await runActivity(createWarmHotProfiles(hot), {
      ...{ ...args, readAt, versions, room: room ?? 0, writesPerSecond: 0 },
    });
    const end = { ...args, plan: planned, report, mayRepeat: false, mayReadAgain: false };
    await runActivity(createFinishProfiles(hot), end);
  };

  test('reads those that a reader has cached since', async () => {
    await warmHot();
    await readBy(added);
    const { report: again } = await plan();
    expect(again).toMatchObject({ rowsRead: 1, keys: 1, renewed: 19, cached: 20 });
    expect(await followers(changed)).toBe('7');
  });

  test('after a load keeps none that a reader has cached from the files in between', async () => {
    await warmHot();
    const cachedAt = await readBy(added);
    await until('the time of Redis is later', async () => cachedAt < (await redisNow()));
    await plan();
    expect(await runActivity(createDropOutdated({ redis }), { parts: ['profiles'] })).toBe(5);
    expect(await cachedProfiles()).toEqual(keysOf(first.slice(0, 20)));
  });
});

test('a load keeps no detail, content of a KOL or statistic that a reader has cached from the files in between', async () => {
  const readAt = await readRedisTime(redis);
  const details = [contentOf('trending', 1), contentOf('cold', 1)];
  const cachedAt = cachedAtOf(readAt + 1);
  await writeEntries(
    redis,
    details.map((detail) => content.toEntry(detail.content_id, detail, cachedAt)),
  );
  const sets = [kolContent.toEntry('1', details), dailyStats.toEntry('2026-01-05', { content: 1 })];
  for (const set of sets) await replaceSet(redis, set, readAt + 1);
  const warmedOf = (version: string) => ({
    ...partMetadataOf(2),
    read_at: cachedAtOf(readAt),
    versions: { kol_content: version },
    sets: { [content.key('trending')]: { size: 0, ttlSeconds: 100, refreshOnly: true } },
  });
  const drop = async (version: string) => {
    for (const part of ['trending', 'stats'] as const)
      await writePartMetadata(redis, part, warmedOf(version));
    return runActivity(createDropOutdated({ redis }), { parts: ['trending', 'stats'] });
  };
  await until('the time of Redis is later', async () => cachedAt < (await redisNow()));
  // values that were cached since a snapshot belong to it
  expect(await drop('snapshot 1 since 2026-01-01T00:00:00.000Z')).toBe(0);
  expect(await drop('files 1')).toBe(3);
  expect(await redis.exists(content.key('trending'))).toBe(1);
});
