import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { readRedisTime } from '../../../clients/redis.ts';
import { warmParts, type WarmPart } from '../../../domain/warming/warm-parts.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { allKeys } from '../../support/redis.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';
import type { WarmReport } from '../../../contract/warm-cache.ts';

const DATABASE = 11;
let harness: WarmHarness;
let first: WarmReport;
// Each test starts with the cache of the one before: all parts are warm.
beforeAll(async () => {
  harness = await warmHarness(DATABASE);
  await harness.redis.flushdb();
  first = await harness.warm();
});
afterAll(() => harness.stop());

/** Parts whose tables were read, not only checked for changes. */
const partsRead = ({ parts }: WarmReport): WarmPart[] =>
  parts.filter(({ rowsRead }) => rowsRead > 0).map(({ part }) => part);

const partsRenewed = ({ parts }: WarmReport): WarmPart[] =>
  parts.filter(({ renewed, rowsRead }) => renewed > 0 && rowsRead === 0).map(({ part }) => part);

describe('a warm of unchanged tables', () => {
  test('refreshes the TTL of every key of the last warm, queries only snapshots and row counts, and reports what it skipped', async () => {
    const { redis } = harness;
    expect(partsRead(first)).toEqual(warmParts);
    const keys = (await allKeys(redis)).filter((key) => key !== 'cache:metadata');
    for (const key of keys) await redis.expire(key, 100);
    await harness.newQueries();

    const second = await harness.warm();

    expect(second.parts.map(({ renewed }) => renewed)).toEqual(first.parts.map((part) => part.keys));
    expect(second).toMatchObject({ renewed: keys.length, keys: 0, removed: 0 });
    expect(partsRead(second)).toEqual([]);
    for (const [index, { skipped }] of second.parts.entries())
      expect(skipped).toEqual([
        expect.stringMatching(
          `^unchanged since .*: ${first.parts[index]?.rowsRead} rows not read, ${first.parts[index]?.keys} keys renewed$`,
        ),
      ]);
    for (const key of keys) expect(await redis.ttl(key), key).toBeGreaterThan(100);
    // A set outlives its TTL of 15 minutes, the period of the warm, by the grace of 2 minutes.
    expect(await redis.ttl('kol:top:followers:all:50')).toBeGreaterThan(900 + 100);
    const queries = (await harness.newQueries()).map(({ sql }) => sql);
    expect(queries.length).toBeGreaterThan(0);
    expect(queries.filter((sql) => !/information_schema|\$refs"|count\(\*\) AS VARCHAR/.test(sql))).toEqual(
      [],
    );
  });

  test('reads only the parts that lost a key to eviction', async () => {
    const { redis } = harness;
    const [id] = await redis.zrevrange('kol:top:followers:all:100', 0, 0);
    await redis.del('kol:top:followers:all:50', `kol:profile:${id}`);
    const report = await harness.warm();
    expect(partsRead(report)).toEqual(['profiles', 'rankings']);
    expect(partsRenewed(report)).toEqual(['trending', 'stats', 'search', 'lists']);
    expect(await redis.zcard('kol:top:followers:all:50')).toBe(50);
    expect(await redis.exists(`kol:profile:${id}`)).toBe(1);
  });

  test('reads a part if another read has written one of its sets, because it may be of another version', async () => {
    const { redis } = harness;
    const key = 'kol:top:followers:all:50';
    const filled = { key, ttlSeconds: 900, type: 'zset', members: [['somebody', 1]] } as const;
    await replaceSet(redis, filled, await readRedisTime(redis));
    expect(partsRead(await harness.warm({ parts: ['rankings', 'lists'] }))).toEqual(['rankings']);
    expect(await redis.zcard(key)).toBe(50);
  });

  test('counts profiles that readers cached after the last warm', async () => {
    const [key = ''] = (await allKeys(harness.redis)).filter((one) => one.startsWith('kol:profile:'));
    await harness.redis.hset(key, 'cached_at', new Date().toISOString());
    expect(partsRead(await harness.warm({ parts: ['profiles'] }))).toEqual([]);
  });

  test('in a dry run, reports what it would refresh, and refreshes nothing', async () => {
    const key = 'kol:top:followers:all:50';
    await harness.redis.expire(key, 100);
    const dry = await harness.warm({ parts: ['rankings', 'profiles'], dryRun: true });
    for (const { skipped } of dry.parts) expect(skipped.join()).toMatch(/would be renewed/);
    expect(await harness.redis.ttl(key)).toBeLessThanOrEqual(100);
  });

  test('reads the tables when forced', async () => {
    expect(partsRead(await harness.warm({ parts: ['rankings', 'lists'], force: true }))).toEqual([
      'rankings',
      'lists',
    ]);
  });
});

describe('a warm after a change', () => {
  test('of one table reads only the parts that depend on it', async () => {
    await harness.trino(
      `UPDATE ${harness.schema}.kol_content SET likes = likes + 1 WHERE platform = 'tiktok'`,
    );
    const report = await harness.warm();
    expect(partsRead(report)).toEqual(['rankings', 'trending', 'stats']);
    expect(partsRenewed(report)).toEqual(['profiles', 'search', 'lists']);
    // Details of trending content are written again. They must not be removed like sets of the last warm.
    for (const id of await harness.redis.lrange('content:trending:tiktok:50', 0, -1))
      expect(await harness.redis.exists(`content:detail:${id}`)).toBe(1);
  });

  test('of a configured limit reads the parts that use it, and removes the sets of the old limit', async () => {
    const { config, redis } = harness;
    const limits = { WARM_RANKING_LIMITS: '20', WARM_LIST_SIZE: '30', WARM_PROFILES: '100' };
    const other = await testDependencies(
      testConfig(DATABASE, { TRINO_SCHEMA: config.TRINO_SCHEMA, ...limits }),
    );
    const run = new MockActivityEnvironment();
    try {
      const activities = other.activities.warm;
      expect(await run.run((args: typeof wanted) => activities.warmRankings(args), wanted)).toMatchObject({
        renewed: 0,
        removed: 12,
      });
      expect(await run.run((args: typeof wanted) => activities.warmLists(args), wanted)).toMatchObject({
        renewed: 0,
        removed: 0,
      });
      expect(await run.run((args: typeof wanted) => activities.planProfiles(args), wanted)).toMatchObject({
        report: { renewed: 0 },
        room: 100,
      });
    } finally {
      await other.close();
    }
    expect((await allKeys(redis)).filter((key) => key.startsWith('kol:top:'))).toEqual(
      ['engagement', 'followers'].flatMap((kind) =>
        ['all', 'tiktok', kind === 'followers' ? 'twitter' : 'youtube'].map(
          (platform) => `kol:top:${kind}:${platform}:20`,
        ),
      ),
    );
    expect(JSON.parse((await redis.get('kol:profiles:list:all')) ?? '[]')).toHaveLength(30);
  });

  test('is always assumed for a view, which has no snapshots', async () => {
    const { trino, schema } = harness;
    await trino(`ALTER TABLE ${schema}.kol_content RENAME TO ${schema}.real_content`);
    await trino(`CREATE VIEW ${schema}.kol_content AS SELECT * FROM ${schema}.real_content`);
    for (let round = 1; round <= 2; round += 1)
      expect(partsRead(await harness.warm({ parts: ['trending'] }))).toEqual(['trending']);
  });
});

const wanted = {
  trigger: 'manual',
  runId: 'test',
  dryRun: false,
  allProfiles: false,
  force: false,
  allowShrink: false,
} as const;
