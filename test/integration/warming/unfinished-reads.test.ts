import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { WarmPartArgs } from '../../../activities/warming/part-warm.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { cachedAtOf, readRedisTime } from '../../../clients/redis.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { profileOf } from '../../support/cache-values.ts';
import {
  profilesOn,
  snapshot,
  useOwnRedis,
  versionsOf,
  WARM,
  warmProfiles,
} from '../../support/run-activity.ts';

const redis = await useOwnRedis();

const warm = (reads: Partial<Lakehouse>, args: WarmPartArgs = WARM) => warmProfiles(redis, reads, args);

const rows = profilesOn('tiktok', 30);
/** A table of these rows, one of each id. */
const tableOf = (read: () => AsyncGenerator<Profile[]>): Partial<Lakehouse> => ({
  tableVersions: (tables) => Promise.resolve(versionsOf(tables, snapshot(1))),
  repeatsIds: () => Promise.resolve(false),
  countRows: () => Promise.resolve(rows.length),
  dataFiles: () => Promise.resolve({ unlisted: 'a test' }),
  existingIds: (_, ids) => Promise.resolve(new Set(ids)),
  profileSplit: read,
});
async function* allRows() {
  yield await Promise.resolve(rows);
}
/** Trino cannot read a column of the first page any more, and ends the query. */
async function* brokenRows() {
  yield rows.slice(0, 1).map((row) => ({ ...row, followers_count: null }));
  await Promise.reject(new Error('the query was killed'));
}

test('a forced read of an unchanged table that does not finish is not renewed: the next warm reads all rows again', async () => {
  const followers = () => redis.hget(profile.key('tiktok-0'), 'followers_count');
  await warm(tableOf(allRows));
  expect(await warm(tableOf(allRows))).toMatchObject({ rowsRead: 0, renewed: 30 });
  await expect(warm(tableOf(brokenRows), { ...WARM, force: true })).rejects.toThrow('killed');
  expect(await followers()).toBe('');

  expect(await warm(tableOf(allRows))).toMatchObject({ rowsRead: 30 });
  expect(await followers()).toBe('7');
  expect(await warm(tableOf(allRows))).toMatchObject({ rowsRead: 0, renewed: 30 });
});

test('a table with many rows of each id is not taken for a read that was cut short', async () => {
  const table = {
    ...tableOf(allRows),
    repeatsIds: () => Promise.resolve(true),
    countRows: () => Promise.resolve(90),
    countIds: () => Promise.resolve(30),
  };
  expect(await warm(table)).toMatchObject({ rowsRead: 30, keys: 30 });
  await expect(
    warm({ ...table, countIds: () => Promise.resolve(90) }, { ...WARM, force: true }),
  ).rejects.toThrow('rows read fell from 90 to 30');
});

describe('what a reader cached while the warm asked for the version', () => {
  const followers = () => redis.hget(profile.key('tiktok-0'), 'followers_count');
  const beside = (since: string): Partial<Lakehouse> => ({
    ...tableOf(allRows),
    async tableVersions(tables) {
      await sleep(5); // times of rows are whole milliseconds
      const cached_at = cachedAtOf(await readRedisTime(redis));
      await writeEntries(redis, [profile.toEntry('tiktok-0', profileOf('tiktok-0', 9), cached_at)]);
      await sleep(5);
      return versionsOf(tables, { kind: 'snapshot', id: '1', since });
    },
  });

  test('stays, if the table had that version before: it is of this version or of a newer one', async () => {
    await warm(beside('2026-01-01T00:00:00Z'));
    expect(await followers()).toBe('9');
  });

  test('is replaced after a very recent load, because it may be of the version before', async () => {
    await warm(beside(new Date().toISOString()));
    expect(await followers()).toBe('7');
  });
});
