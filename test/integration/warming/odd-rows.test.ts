import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { WarmProfileSplitArgs } from '../../../activities/warming/warm-profile-split.ts';
import type { PartReport } from '../../../domain/warming/part-report.ts';
import { HASH_BUCKETS } from '../../../domain/warming/profile-splits.ts';
import { copyRows, replaceTable, updateColumn } from '../../support/change-table.ts';
import { FORCED_WARM } from '../../support/forced-warm.ts';
import { rareTest } from '../../support/rare.ts';
import { allKeys } from '../../support/redis.ts';
import { runActivity } from '../../support/run-activity.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const catalog = inject('catalog');
let harness: WarmHarness;

/** Adds copies of rows to a table. @param changes column → the SQL expression of its value in the copy */
const copy = (table: 'profiles' | 'content', changes: Readonly<Record<string, string>>, where: string) =>
  copyRows(harness.trino, {
    ...{ from: `${harness.schema}.all_${table}`, to: `${harness.schema}.kol_${table}` },
    ...{ changes, where },
  });

async function startHarness(database: number, more: Readonly<Record<string, string>> = {}): Promise<void> {
  harness = await warmHarness(database, { TRINO_CATALOG: catalog, WARM_SETTLE_SECONDS: '0.5', ...more });
  const { redis, schema, trino } = harness;
  await redis.flushdb(); // other tests of this file use the same database, also on the other catalog
  for (const table of ['profiles', 'content'])
    await trino(`CREATE TABLE ${schema}.all_${table} AS SELECT * FROM ${schema}.kol_${table}`);
}

async function restoreTables(): Promise<void> {
  for (const table of ['profiles', 'content'])
    await replaceTable(
      harness.trino,
      `${harness.schema}.kol_${table}`,
      `SELECT * FROM ${harness.schema}.all_${table}`,
    );
  await harness.redis.flushdb();
}

const one = async (sql: string) => String((await harness.trino(sql))[0]?.[0]);

describe('a warm of odd rows', () => {
  beforeAll(() => startHarness(7));
  afterAll(() => harness.stop());
  beforeEach(restoreTables);

  test('counts two rows of one id once in every part, with the values of the newest processed_at', async () => {
    const { redis, schema } = harness;
    const id = await one(
      `SELECT kol_id FROM ${schema}.all_profiles WHERE platform = 'tiktok' ORDER BY kol_id LIMIT 1`,
    );
    // The old row has more of everything; its time is earlier, although its text is greater.
    const old = { followers_count: '2000000000', username: `'old_name'`, processed_at: `'+2000-01-01'` };
    await copy('profiles', old, `kol_id = '${id}'`);
    await copy('profiles', { ...old, processed_at: `'2001-01-01T00:00:00Z'` }, `kol_id = '${id}'`);
    const video = await one(`SELECT content_id FROM ${schema}.all_content WHERE platform = 'tiktok' LIMIT 1`);
    await copy(
      'content',
      { views: '1000000000000', processed_at: `'2001-01-01'` },
      `content_id = '${video}'`,
    );

    const report = await harness.warm();

    const followers = await one(`SELECT followers_count FROM ${schema}.all_profiles WHERE kol_id = '${id}'`);
    const cached = await redis.hmget(`kol:profile:${id}`, 'followers_count', 'username');
    expect(cached[0]).toBe(followers);
    expect(cached[1]).not.toBe('old_name');
    expect(await redis.zscore('kol:top:followers:tiktok:100', id)).toBe(followers);
    const list = JSON.parse((await redis.get('kol:profiles:list:tiktok')) ?? '[]') as { kol_id: string }[];
    expect(list).toHaveLength(48);
    expect(await redis.hget('stats:platform', 'kols_tiktok')).toBe('48');
    expect(await redis.hget('stats:platform', 'content_tiktok')).toBe('490');
    expect(await redis.zrank('search:autocomplete', 'old_name')).toBeNull();
    expect(Number(await redis.zscore('{content:trending:tiktok:50}:heat', video))).toBeLessThan(1e12);
    expect(report.warnings).toEqual([]);
    const [profiles] = report.parts;
    expect(profiles?.keys).toBe(
      (await allKeys(redis)).filter((key) => key.startsWith('kol:profile:')).length,
    );
    expect((await harness.warm({ parts: ['profiles'] })).renewed).toBe(profiles?.keys);
  });

  test('takes the newest of several rows, in any order of reads', async () => {
    const { redis, schema } = harness;
    await copy(
      'profiles',
      { username: `'new_name'`, processed_at: `'2100-01-01T07:00:00+07:00'` },
      `platform = 'tiktok'`,
    );
    await copy(
      'profiles',
      { username: `'older_name'`, processed_at: `'2100-01-01T06:59:59+07:00'` },
      `platform = 'tiktok'`,
    );
    const { parts } = await harness.warm({ parts: ['profiles'] });
    // Trino leaves out the older rows: if the warm ended in its middle, none of them would be cached.
    expect(parts[0]?.rowsRead).toBe(Number(await one(`SELECT count(*) FROM ${schema}.all_profiles`)));
    for (const [id] of await harness.trino(
      `SELECT kol_id FROM ${schema}.all_profiles WHERE platform = 'tiktok'`,
    ))
      expect(await redis.hget(`kol:profile:${String(id)}`, 'username')).toBe('new_name');
  });

  test('replaces an older row that an earlier attempt of the split wrote', async () => {
    const { activities, redis, schema, trino } = harness;
    const split = {
      split: { from: 0, to: HASH_BUCKETS },
      readAt: new Date().toISOString(),
      writesPerSecond: 0,
    };
    const run = async (attempt: number) => {
      const { versions, idsRepeat } = await runActivity(activities.planProfiles, FORCED_WARM);
      return new MockActivityEnvironment({ attempt }).run<
        [WarmProfileSplitArgs],
        PartReport,
        typeof activities.warmProfileSplit
      >((args) => activities.warmProfileSplit(args), { ...split, versions, idsRepeat, ...FORCED_WARM });
    };
    await run(1);
    await copy('profiles', { username: `'new_name'`, processed_at: `'2100-01-01'` }, `platform = 'tiktok'`);
    const report = await run(2);
    const [[ids] = []] = await trino(`SELECT count(*) FROM ${schema}.all_profiles`);
    expect(report.keys).toBe(ids);
    for (const [id] of await trino(`SELECT kol_id FROM ${schema}.all_profiles WHERE platform = 'tiktok'`))
      expect(await redis.hget(`kol:profile:${String(id)}`, 'username')).toBe('new_name');
  });

  test('treats NaN and Infinity in a rate as unknown: the KOL is not ranked, and no set or row is lost', async () => {
    const { redis, schema, trino } = harness;
    await harness.warm({ parts: ['rankings'] });
    const before = await redis.zcard('kol:top:engagement:tiktok:100');
    const [[spoiled = ''] = []] = await trino(
      `SELECT kol_id FROM ${schema}.all_content WHERE platform = 'tiktok' AND engagement_rate IS NOT NULL LIMIT 1`,
    );
    await updateColumn(trino, `${schema}.kol_content`, {
      column: 'engagement_rate',
      value: 'nan()',
      where: `kol_id = '${String(spoiled)}'`,
    });
    await copy(
      'content',
      { content_id: `'infinite'`, kol_id: `'infinite'`, engagement_rate: 'infinity()', processed_at: 'null' },
      `content_id = (SELECT min(content_id) FROM ${schema}.all_content WHERE platform = 'tiktok')`,
    );
    // One bad rate does not spoil the mean of the others.
    await copy(
      'content',
      { content_id: `'nan'`, kol_id: `'half'`, engagement_rate: 'nan()' },
      `content_id = (SELECT min(content_id) FROM ${schema}.all_content WHERE platform = 'tiktok')`,
    );
    await copy(
      'content',
      { content_id: `'four'`, kol_id: `'half'`, engagement_rate: '4' },
      `content_id = (SELECT min(content_id) FROM ${schema}.all_content WHERE platform = 'tiktok')`,
    );

    await harness.warm({ parts: ['rankings', 'trending'] });

    expect(await redis.zscore('kol:top:engagement:tiktok:100', String(spoiled))).toBeNull();
    expect(await redis.zscore('kol:top:engagement:all:100', 'infinite')).toBeNull();
    const half = await redis.zscore('kol:top:engagement:tiktok:100', 'half');
    expect(half).toBe('4');
    expect(await redis.zcard('kol:top:engagement:tiktok:100')).toBe(before);
    expect(
      (await harness.warm({ parts: ['trending'], scopes: { trending: { ids: ['infinite'] } } })).parts[0],
    ).toMatchObject({ rejected: 0, keys: 1 });
    expect(await redis.hget('content:detail:infinite', 'engagement_rate')).toBe('');
  });

  test('adds counts near 2^63 without an overflow', async () => {
    const { redis } = harness;
    const huge = '9000000000000000000';
    await copy(
      'profiles',
      { kol_id: `kol_id || '-huge'`, followers_count: huge, post_count: huge },
      `platform = 'tiktok'`,
    );
    await copy(
      'content',
      { content_id: `content_id || '-huge'`, views: huge, likes: huge },
      `platform = 'tiktok'`,
    );
    await harness.warm({ parts: ['stats', 'trending'] });
    expect(Number(await redis.hget('stats:platform', 'total_followers'))).toBeGreaterThan(48 * 9e18);
    expect(await redis.hget('stats:platform', 'total_posts')).toMatch(/^\d{21}$/);
    const [, heat] = await redis.zrevrange('{content:trending:tiktok:50}:heat', 0, 0, 'WITHSCORES');
    expect(Number(heat)).toBeCloseTo(11 * 9e18, -10);
  });

  rareTest('takes a platform in another case as the same platform', async () => {
    const { redis, schema, trino } = harness;
    const platform = { column: 'platform', where: "platform = 'tiktok'" };
    await updateColumn(trino, `${schema}.kol_profiles`, { ...platform, value: "' TikTok'" });
    await updateColumn(trino, `${schema}.kol_content`, { ...platform, value: "'TIKTOK'" });
    const report = await harness.warm();
    expect(report.parts.map(({ rejected }) => rejected)).toEqual(report.parts.map(() => 0));
    expect((await allKeys(redis)).filter((key) => /tiktok/i.test(key) && !key.includes('tiktok'))).toEqual(
      [],
    );
    expect(await redis.zcard('kol:top:followers:tiktok:100')).toBe(48);
    expect(await redis.hmget('stats:platform', 'kols_tiktok', 'content_tiktok')).toEqual(['48', '490']);
    const scoped = {
      parts: ['profiles'],
      scopes: { profiles: { platforms: ['tiktok'] } },
      force: true,
    } as const;
    expect((await harness.warm(scoped)).parts[0]?.cached).toBe(48);
    const [id = ''] = await redis.zrevrange('kol:top:followers:tiktok:100', 0, 0);
    expect(await redis.hget(`kol:profile:${id}`, 'platform')).toBe('tiktok');
  });

  rareTest('counts a time with a zone on its day in UTC', async () => {
    const { redis, schema, trino } = harness;
    const today = new Date().toISOString().slice(0, 10);
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    await replaceTable(trino, `${schema}.kol_content`, `SELECT * FROM ${schema}.all_content WHERE false`);
    // 20:00 of yesterday at -05:00 is 01:00 of today in UTC; 06:00 of today at +07:00 is 23:00 of yesterday.
    const item = `content_id = (SELECT min(content_id) FROM ${schema}.all_content WHERE platform = 'tiktok')`;
    await copy('content', { content_id: `'west'`, posted_at: `'${yesterday}T18:59:00-05:00'` }, item);
    await copy('content', { content_id: `'west-too'`, posted_at: `'${yesterday}T18:58:00-05:00'` }, item);
    await copy('content', { content_id: `'east'`, posted_at: `'${today}T06:00:00+07:00'` }, item);
    await copy('content', { content_id: `'midnight'`, posted_at: `'${yesterday}T19:00:00-05:00'` }, item);
    await harness.warm({ parts: ['stats'] });
    expect(await redis.hget(`stats:daily:${yesterday}`, 'content')).toBe('3');
    expect(await redis.hget(`stats:daily:${today}`, 'content')).toBe('1');
  });

  rareTest('caches TIMESTAMP columns as RFC 3339 in UTC, and writes the same sets as from text', async () => {
    const { redis, schema, trino } = harness;
    await harness.warm({ parts: ['trending'] });
    const listed = await redis.lrange('content:trending:all:50', 0, -1);
    const video = listed[0] ?? '';
    const posted = (await redis.hget(`content:detail:${video}`, 'posted_at')) ?? '';
    // Hive has times in UTC only, and no microseconds.
    const [zone, postedAt, processedAt] =
      catalog === 'hive'
        ? ['UTC', 'timestamp(3)', 'timestamp(3)']
        : ['Asia/Ho_Chi_Minh', 'timestamp(3) with time zone', 'timestamp(6)'];
    await replaceTable(
      trino,
      `${schema}.kol_content`,
      `SELECT content_id, kol_id, platform, content_type, title, description, views, likes, comments, shares, engagement_rate,
              duration_seconds, CAST(from_iso8601_timestamp(posted_at) AT TIME ZONE '${zone}' AS ${postedAt}) AS posted_at,
              hashtags, source, CAST(from_iso8601_timestamp(processed_at) AS ${processedAt}) AS processed_at
       FROM ${schema}.all_content`,
    );
    await harness.warm({ parts: ['trending'] });
    const again = await redis.lrange('content:trending:all:50', 0, -1);
    expect(listed).not.toEqual([]);
    // An item may leave the last 24 hours between the two warms.
    expect(listed.filter((id) => !again.includes(id)).length).toBeLessThanOrEqual(2);
    const times = await redis.hmget(`content:detail:${video}`, 'posted_at', 'processed_at');
    expect(times[0]).toBe(new Date(posted).toISOString());
    expect(times[1]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  });
});

describe('a warm of hot profiles', () => {
  beforeAll(() => startHarness(8, { WARM_PROFILES: '50' }));
  afterAll(() => harness.stop());

  test('counts two rows of one id as one profile in the room, repeats nothing and warns of nothing', async () => {
    const { redis, schema } = harness;
    const top = `kol_id IN (SELECT kol_id FROM ${schema}.all_profiles ORDER BY followers_count DESC NULLS LAST LIMIT 5)`;
    await copy('profiles', { username: `'old_name'`, processed_at: `'2001-01-01'` }, top);
    const first = await harness.warm({ parts: ['profiles'] });
    expect(first.warnings).toEqual([]);
    const cached = (await allKeys(redis)).filter((key) => key.startsWith('kol:profile:'));
    expect(first.keys).toBe(cached.length);
    for (const key of cached) expect(await redis.hget(key, 'username')).not.toBe('old_name');
    expect((await harness.warm({ parts: ['profiles'] })).parts[0]).toMatchObject({
      rowsRead: 0,
      renewed: cached.length,
    });
  });
});

describe('an error that a retry would repeat', () => {
  beforeAll(() => startHarness(8));
  afterAll(() => harness.stop());

  test("immediately fails the parts that read the table, with Trino's message, and keeps the cache", async () => {
    const { redis, schema, trino } = harness;
    await harness.warm({ parts: ['lists', 'trending'] });
    // A view keeps the type that it had when it was created, so the schema check finds nothing.
    await trino(`ALTER TABLE ${schema}.kol_profiles RENAME TO ${schema}.renamed_profiles`);
    await trino(`CREATE VIEW ${schema}.kol_profiles AS SELECT * FROM ${schema}.renamed_profiles`);
    await trino(`DROP TABLE ${schema}.renamed_profiles`);
    await trino(`CREATE TABLE ${schema}.renamed_profiles AS SELECT 1 AS something_else`);
    const startedMs = Date.now();
    const failure = await harness.failure({ parts: ['lists', 'trending'], force: true });
    expect(failure.message).toMatch(
      /1 of 2 parts failed; the others are warm\. lists: Trino cannot read .*VIEW_IS_STALE|INVALID_VIEW/,
    );
    expect(Date.now() - startedMs).toBeLessThan(30_000);
    expect(await redis.exists('kol:profiles:list:all')).toBe(1);
  });
});
