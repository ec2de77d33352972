import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WorkflowFailedError } from '@temporalio/client';
import type { warmCache } from '../../../workflows/warming/warm-cache.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { createSearch } from '../../../cache/reading/search.ts';
import { knownIds } from '../../../domain/entities/known-ids.ts';
import { searchText } from '../../../domain/search/search-text.ts';
import { warmParts } from '../../../domain/warming/warm-parts.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { allKeys, keysWithoutTtl } from '../../support/redis.ts';
import { queryTrino } from '../../support/trino.ts';
import { withWorker } from '../../support/worker.ts';
import type { WarmReport } from '../../../contract/warm-cache.ts';
import { testEngines } from '../../support/test-engines.ts';

const config = testConfig(2);
const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA } = testEngines();
const schema = `${TRINO_CATALOG}.${TRINO_SCHEMA}`;
const trino = (sql: string) => queryTrino(TRINO_URL, sql);
let redis: Redis;
let dependencies: Awaited<ReturnType<typeof testDependencies>>;
let runs = 0;

beforeAll(async () => {
  redis = new Redis(config.REDIS_URL, { protocol: 2 });
  dependencies = await testDependencies(config);
});
afterAll(async () => {
  await dependencies.close();
  await redis.quit();
});
beforeEach(() => redis.flushdb());

const warm = (...args: Parameters<typeof warmCache>): Promise<WarmReport> =>
  withWorker(WARM_TASK_QUEUE, dependencies.activities.warm, () =>
    dependencies.temporal.workflow.execute<typeof warmCache>('warmCache', {
      taskQueue: WARM_TASK_QUEUE,
      workflowId: `test-warm-${process.pid}-${(runs += 1)}`,
      args,
    }),
  );

describe('a full warm', () => {
  test(
    'without input fills Redis with the results of an independent query',
    { timeout: 120_000 },
    async () => {
      const report = await warm();

      expect(report).toMatchObject({ trigger: 'manual', dryRun: false });
      expect(report.parts.map(({ part }) => part)).toEqual(warmParts);
      for (const { rejected, skipped } of report.parts) expect([rejected, ...skipped]).toEqual([0]);
      await expectKeys(report);
      for (const platform of ['tiktok', 'twitter', 'all']) await expectFollowerRankings(platform);
      for (const platform of ['tiktok', 'youtube', 'all']) {
        await expectEngagementRanking(platform);
        await expectTrending(platform);
      }
      await expectStats();
      expect(await redis.zcard('search:autocomplete')).toBeGreaterThan(10_000);
      await expectSearchIndex();
    },
  );
});

/** Every profile is found by its username, and the index is small beside the 512 MB that Redis has. */
async function expectSearchIndex(): Promise<void> {
  expect(await redis.zrange('search:index:all', 0, '-1')).toEqual(['tiktok', 'twitter']);
  const search = createSearch(redis);
  const profiles = await trino(
    `SELECT kol_id, platform, username FROM ${schema}.kol_profiles WHERE username IS NOT NULL ORDER BY xxhash64(to_utf8(kol_id)) LIMIT 200`,
  );
  for (const [kolId, platform, username] of profiles) {
    const { value } = await search(searchText(String(username)), String(platform));
    expect(
      value?.map(({ kol_id }) => kol_id),
      String(username),
    ).toContain(kolId);
  }
  const bytes = Number(await redis.memory('USAGE', 'search:index:twitter', 'SAMPLES', 0));
  console.log(`search:index of ${await redis.zcard('search:index:twitter')} members takes ${bytes} bytes`);
  expect(bytes).toBeLessThan(40_000_000);
}

/** Every key has a TTL, and the report counts every key. */
async function expectKeys(report: WarmReport): Promise<void> {
  expect(await keysWithoutTtl(redis)).toEqual([]);
  const keys = await allKeys(redis);
  // No part has them: the record of the run, and the filter of a table that no part reads.
  const ofNoPart = ['cache:metadata', knownIds.key('kol_trust_features')];
  expect(keys.filter((key) => !ofNoPart.includes(key))).toHaveLength(report.keys);
  expect(keys.filter((key) => key.startsWith('kol:profile:')).length).toBeGreaterThanOrEqual(1000);
  expect(Object.keys(await redis.hgetall('cache:metadata')).sort()).toEqual([...warmParts].sort());
}

/** The rankings by followers and the list of profiles have the most followed KOLs, in this order. */
async function expectFollowerRankings(platform: string): Promise<void> {
  const best = await trino(
    `SELECT followers_count FROM ${schema}.kol_profiles ${wherePlatform(platform)} ORDER BY 1 DESC NULLS LAST LIMIT 100`,
  );
  const scores = await rankingScores(`kol:top:followers:${platform}:100`);
  expect(scores).toEqual(best.flat().filter((count) => count !== null));
  expect(await rankingScores(`kol:top:followers:${platform}:50`)).toEqual(scores.slice(0, 50));
  const list = JSON.parse((await redis.get(`kol:profiles:list:${platform}`)) ?? '[]') as {
    followers_count: number;
  }[];
  expect(list.slice(0, scores.length).map(({ followers_count }) => followers_count)).toEqual(scores);
}

async function expectEngagementRanking(platform: string): Promise<void> {
  const rates = (
    await trino(
      `SELECT avg(engagement_rate) FROM ${schema}.kol_content ${wherePlatform(platform)} GROUP BY kol_id
       HAVING avg(engagement_rate) IS NOT NULL ORDER BY 1 DESC LIMIT 100`,
    )
  ).flat() as number[];
  const scores = await rankingScores(`kol:top:engagement:${platform}:100`);
  expect(scores).toHaveLength(rates.length);
  scores.forEach((score, index) => expect(score).toBeCloseTo(rates[index] ?? Number.NaN, 9));
}

/** The trending list has 50 items if there are so many, and no other content of the last day is hotter than its coldest item. */
async function expectTrending(platform: string): Promise<void> {
  const lastDay = `${wherePlatform(platform) || 'WHERE true'} AND from_iso8601_timestamp(posted_at)
    BETWEEN current_timestamp - INTERVAL '23' HOUR AND current_timestamp - INTERVAL '5' MINUTE`;
  const ids = await redis.lrange(`content:trending:${platform}:50`, 0, -1);
  // The lakehouse of an earlier run has less content of the last day.
  const [[available] = []] = await trino(`SELECT count(*) FROM ${schema}.kol_content ${lastDay}`);
  expect(ids.length).toBeGreaterThanOrEqual(Math.max(1, Math.min(50, Number(available))));
  expect(ids.length).toBeLessThanOrEqual(50);
  const idList = ids.map((id) => `'${id}'`).join();
  const [[minHeat] = []] = await trino(
    `SELECT min(views + 10 * likes) FROM ${schema}.kol_content WHERE content_id IN (${idList})`,
  );
  const [[hotter] = []] = await trino(
    `SELECT count(*) FROM ${schema}.kol_content ${lastDay}
     AND views + 10 * likes > ${Number(minHeat)} AND content_id NOT IN (${idList})`,
  );
  expect(hotter).toBe(0);
}

async function expectStats(): Promise<void> {
  const [[verified, followers] = []] = await trino(
    `SELECT count_if(verified), sum(followers_count) FROM ${schema}.kol_profiles`,
  );
  expect(await redis.hgetall('stats:platform')).toMatchObject({
    total_kols: '37486',
    total_content: '20028',
    kols_tiktok: '48',
    kols_twitter: '37438',
    content_tiktok: '490',
    content_youtube: '19538',
    platforms_count: '3',
    verified_count: String(verified),
    total_followers: String(followers),
  });
}

const wherePlatform = (platform: string): string =>
  platform === 'all' ? '' : `WHERE platform = '${platform}'`;

async function rankingScores(key: string): Promise<number[]> {
  const flat = await redis.zrevrange(key, 0, -1, 'WITHSCORES');
  return flat.filter((_, index) => index % 2 === 1).map(Number);
}

describe('a warm of some parts', () => {
  test('writes only the keys of those parts', async () => {
    const report = await warm({ parts: ['stats'], requestedBy: 'test' });
    expect(report.requestedBy).toBe('test');
    const keys = await allKeys(redis);
    expect(keys.every((key) => key.startsWith('stats:') || key === 'cache:metadata')).toBe(true);
    expect(keys).toContain('stats:platform');
  });

  test('reports the same number of keys as a dry run, which writes none', async () => {
    const parts = ['rankings', 'trending'] as const;
    const before = await warm({ parts, dryRun: true });
    expect(await allKeys(redis)).toEqual([]);
    const real = await warm({ parts });
    const after = await warm({ parts, dryRun: true, force: true });
    // Content stops to be of the last 24 h at any moment.
    expect([before.keys, after.keys]).toContain(real.keys);
    expect(real.keys).toBeGreaterThan(0);
  });

  test('removes old members from a ranking, and readers never see it empty', async () => {
    await redis.zadd('kol:top:followers:all:100', 1, 'gone');
    let empty = 0;
    let reads = 0;
    const reader = new Redis(config.REDIS_URL, { protocol: 2 });
    let reading = true;
    const watching = (async () => {
      while (reading) {
        reads += 1;
        if ((await reader.zcard('kol:top:followers:all:100')) === 0) empty += 1;
      }
    })();
    await warm({ parts: ['rankings'] });
    reading = false;
    await watching;
    await reader.quit();
    expect(reads).toBeGreaterThan(100);
    expect(empty).toBe(0);
    expect(await redis.zscore('kol:top:followers:all:100', 'gone')).toBeNull();
  });

  test('refuses an unknown part and lists the known ones', async () => {
    const failed = await warm({ parts: ['everything' as 'stats'] }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(WorkflowFailedError);
    expect(String((failed as WorkflowFailedError).cause)).toContain(
      'accepted is a list of profiles, rankings',
    );
  });
});
