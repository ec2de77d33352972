import { expect, test } from 'vitest';
import { createWarmHotProfiles } from '../../../activities/warming/warm-hot-profiles.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { cachedAtOf, readRedisTime } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
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

const [first, second, third] = [
  profilesOn('tiktok', 30),
  profilesOn('twitter', 30),
  profilesOn('youtube', 30),
];
const versions = versionsOf(['kol_profiles'], snapshot(1));

/**
 * Two pages of rows. When the second is fetched, it looks whether the first is cached. Redis answers the commands of a connection in their
 * order, and the warm writes over the same one.
 */
function twoPages() {
  const cachedBefore: number[] = [];
  async function* pages() {
    yield second;
    cachedBefore.push(await redis.exists(second.map(profile.idOf).map(profile.key)));
    yield third;
  }
  return { cachedBefore, pages };
}

/** A table whose last load added file 2 to file 1. */
const tableOf = (load: number, rows: number): Partial<Lakehouse> => ({
  tableVersions: (tables) => Promise.resolve(versionsOf(tables, snapshot(load))),
  repeatsIds: () => Promise.resolve(false),
  countRows: () => Promise.resolve(rows),
  countIds: () => Promise.resolve(rows),
  existingIds: (_, ids) => Promise.resolve(new Set(ids)),
  dataFiles: (_, at) =>
    Promise.resolve({
      list: {
        version: Object.entries(versionTexts(at))[0]?.[1] ?? '',
        columns: '',
        files: ['1', '2']
          .slice(0, load)
          .map((path) => ({ path, bytes: path === '1' ? '1000' : '10', modifiedMs: 0 })),
      },
    }),
});

test('a split of all profiles fetches a page before the one before it is written', async () => {
  const { cachedBefore, pages } = twoPages();
  const report = await warmProfiles(redis, { ...tableOf(1, 60), profileSplit: pages });
  expect(report).toMatchObject({ rowsRead: 60, keys: 60 });
  expect(cachedBefore).toEqual([0]);
});

test('the rows of new files are fetched a page before the one before it is written', async () => {
  const { cachedBefore, pages } = twoPages();
  async function* all() {
    yield await Promise.resolve(first);
  }
  await warmProfiles(redis, { ...tableOf(1, 30), profileSplit: all });
  const report = await warmProfiles(redis, { ...tableOf(2, 90), profilesOfFiles: pages });
  expect(report).toMatchObject({ isWhole: false, rowsRead: 60, cached: 90 });
  expect(cachedBefore).toEqual([0]);
});

test('hot profiles are fetched a page before the one before it is written', async () => {
  const { cachedBefore, pages } = twoPages();
  const warmHotProfiles = createWarmHotProfiles(warmDependencies(redis, { mostFollowed: pages }));
  const readAt = cachedAtOf(await readRedisTime(redis));
  const report = await runActivity(warmHotProfiles, {
    ...WARM,
    ...{ allProfiles: false, readAt, versions, room: 60, writesPerSecond: 0 },
  });
  expect(report).toMatchObject({ rowsRead: 60, keys: 60 });
  expect(cachedBefore).toEqual([0]);
});
