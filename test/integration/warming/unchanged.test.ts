import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warmParts, type WarmPart } from '../../../domain/warming/warm-parts.ts';
import type { WarmReport } from '../../../workflows/warming/warm-cache.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { allKeys } from '../../support/redis.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const DATABASE = 11;
let harness: WarmHarness;
let first: WarmReport;
// Each test goes on from where the one before left the cache: all of it warm.
beforeAll(async () => {
  harness = await warmHarness(DATABASE);
  await harness.redis.flushdb();
  first = await harness.warm();
});
afterAll(() => harness.stop());

/** Parts whose tables were read, rather than only asked whether they have changed. */
const partsRead = ({ parts }: WarmReport): WarmPart[] =>
  parts.filter(({ rowsRead }) => rowsRead > 0).map(({ part }) => part);

const partsRenewed = ({ parts }: WarmReport): WarmPart[] =>
  parts.filter(({ renewed }) => renewed > 0).map(({ part }) => part);

describe('a warm of unchanged tables', () => {
  test('renews every key that the last one wrote, asks nothing but the snapshots, and says what it saved', async () => {
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
    const asked = (await harness.newQueries()).map(({ sql }) => sql);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((sql) => !/information_schema|\$refs"|count\(\*\) AS VARCHAR/.test(sql))).toEqual([]);
  });

  test('reads a part of which a key was evicted, and only that', async () => {
    const { redis } = harness;
    const [id] = await redis.zrevrange('kol:top:followers:all:100', 0, 0);
    await redis.del('kol:top:followers:all:50', `kol:profile:${id}`);
    const report = await harness.warm();
    expect(partsRead(report)).toEqual(['profiles', 'rankings']);
    expect(partsRenewed(report)).toEqual(['trending', 'stats', 'search', 'lists']);
    expect(await redis.zcard('kol:top:followers:all:50')).toBe(50);
    expect(await redis.exists(`kol:profile:${id}`)).toBe(1);
  });

  test('does not miss profiles that readers have cached again since then', async () => {
    const [key = ''] = (await allKeys(harness.redis)).filter((one) => one.startsWith('kol:profile:'));
    await harness.redis.hset(key, 'cached_at', new Date().toISOString());
    expect(partsRead(await harness.warm({ parts: ['profiles'] }))).toEqual([]);
  });

  test('as a dry run says what it would renew, and renews nothing', async () => {
    const key = 'kol:top:followers:all:50';
    await harness.redis.expire(key, 100);
    const dry = await harness.warm({ parts: ['rankings', 'profiles'], dryRun: true });
    for (const { skipped } of dry.parts) expect(skipped.join()).toMatch(/would (be )?renew/);
    expect(await harness.redis.ttl(key)).toBeLessThanOrEqual(100);
  });

  test('reads them all the same when forced', async () => {
    expect(partsRead(await harness.warm({ parts: ['rankings', 'lists'], force: true }))).toEqual([
      'rankings',
      'lists',
    ]);
  });
});

describe('a warm after a change', () => {
  test('of one table reads just the parts that are made of it', async () => {
    await harness.trino(
      `UPDATE ${harness.schema}.kol_content SET likes = likes + 1 WHERE platform = 'tiktok'`,
    );
    const report = await harness.warm();
    expect(partsRead(report)).toEqual(['rankings', 'trending', 'stats']);
    expect(partsRenewed(report)).toEqual(['profiles', 'search', 'lists']);
    // The details of what is trending are written anew; they do not go with the sets that they came with.
    for (const id of await harness.redis.lrange('content:trending:tiktok:50', 0, -1))
      expect(await harness.redis.exists(`content:detail:${id}`)).toBe(1);
  });

  test('of the configured limits reads the parts that have them, and takes out the sets of the old ones', async () => {
    const { config, redis } = harness;
    const limits = { WARM_RANKING_LIMITS: '20', WARM_LIST_SIZE: '30', WARM_PROFILES: '100' };
    const other = await testDependencies(
      testConfig(DATABASE, { TRINO_SCHEMA: config.TRINO_SCHEMA, ...limits }),
    );
    const run = new MockActivityEnvironment();
    try {
      const activities = other.warmActivities;
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

  test('is always supposed of a view, or any table that is not of Iceberg', async () => {
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
