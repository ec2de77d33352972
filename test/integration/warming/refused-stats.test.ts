import { expect, test } from 'vitest';
import { createWarmStats } from '../../../activities/warming/warm-stats.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import type { TableVersion } from '../../../domain/warming/table-version.ts';
import {
  runActivity,
  snapshot,
  useOwnRedis,
  versionsOf,
  WARM,
  warmDependencies,
} from '../../support/run-activity.ts';

const redis = await useOwnRedis();

const [MONDAY, TUESDAY] = ['stats:daily:2026-01-05', 'stats:daily:2026-01-06'];
const counts = { content: 1, views: 1, likes: 1, comments: 1, shares: 1 };

/** Warms the statistics once. @param rows of kol_content @param days that have content */
function warmStats(version: TableVersion, rows: number, days: readonly string[], allowShrink = false) {
  const reads: Partial<Lakehouse> = {
    tableVersions: (tables) => Promise.resolve(versionsOf(tables, version)),
    countRows: (table) => Promise.resolve(table === 'kol_content' ? rows : 10),
    platformStats: (now) =>
      Promise.resolve({
        ...{ total_kols: 10, total_content: rows, platforms_count: 1, total_followers: 1, avg_followers: 1 },
        ...{ total_posts: 1, avg_posts: 1, verified_count: 0, last_updated: now.toISOString() },
        by_platform: { tiktok: { kols: 10, content: rows } },
      }),
    dailyStats: () => Promise.resolve(days.map((day) => ({ day: day.slice(-10), counts }))),
  };
  return runActivity(createWarmStats(warmDependencies(redis, reads)), { ...WARM, allowShrink });
}

test('a part that reads two tables is refused when one has lost all of its rows, even if the warm accepts shrinkage', async () => {
  await warmStats(snapshot(1), 100, [MONDAY]);
  await expect(warmStats(snapshot(2), 0, [], true)).rejects.toMatchObject({
    type: 'EmptyRead',
    message: expect.stringContaining('The lakehouse has no rows in kol_content any more') as string,
  });
  expect(await redis.hget('stats:platform', 'total_content')).toBe('100');
  expect(await redis.exists(MONDAY)).toBe(1);
});

test('a part is warmed from a table that was emptied on purpose, once its record of the last warm is removed', async () => {
  await warmStats(snapshot(1), 100, [MONDAY]);
  await redis.hdel('cache:metadata', 'stats');
  expect(await warmStats(snapshot(2), 0, [])).toMatchObject({ keys: 1 });
  expect(await redis.hget('stats:platform', 'total_content')).toBe('0');
});

test('a part is warmed from an empty table that had no rows before', async () => {
  await warmStats(snapshot(1), 0, []);
  expect(await warmStats(snapshot(2), 0, [])).toMatchObject({ keys: 1 });
});

test('the statistics of a day that a view lacks stay until they expire', async () => {
  await warmStats({ kind: 'unknown' }, 100, [MONDAY, TUESDAY]);
  await redis.expire(MONDAY, 60);
  const { skipped, removed } = await warmStats({ kind: 'unknown' }, 100, [TUESDAY]);
  expect(removed).toBe(0);
  expect(skipped.join()).toContain('nothing removed: the version of a table is not known');
  expect(await redis.ttl(MONDAY)).toBeGreaterThan(0);
  expect(await redis.ttl(MONDAY)).toBeLessThanOrEqual(60);
});

test('the statistics of a day that a snapshot lacks are removed', async () => {
  await warmStats(snapshot(1), 100, [MONDAY, TUESDAY]);
  expect(await warmStats(snapshot(2), 100, [TUESDAY])).toMatchObject({ removed: 1 });
  expect(await redis.exists(MONDAY)).toBe(0);
});
