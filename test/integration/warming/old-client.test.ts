import { afterAll, beforeAll, expect, test } from 'vitest';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

/**
 * Reads as the clients that existed before this system, a Python API among them: with plain commands, names and types written out. So this
 * file imports nothing of the code that writes the keys.
 */
let harness: WarmHarness;
beforeAll(async () => {
  harness = await warmHarness(14);
  const { redis, trino, schema } = harness;
  await redis.flushdb();
  // a profile with few known fields
  await trino(
    `INSERT INTO ${schema}.kol_profiles (kol_id, platform, verified, processed_at)
     VALUES ('9007199254740993001', 'tiktok', false, '2026-01-01T00:00:00Z')`,
  );
  await harness.warm({ allProfiles: true });
});
afterAll(() => harness.stop());

const PROFILE_FIELDS =
  'kol_id platform username display_name bio followers_count following_count post_count verified category profile_url account_created_at source processed_at cached_at';
const CONTENT_FIELDS =
  'content_id kol_id platform content_type title description views likes comments shares engagement_rate duration_seconds posted_at hashtags source processed_at cached_at';
const COUNT = /^(\d+|)$/;
const column = async (sql: string) => (await harness.trino(sql)).map(([cell]) => String(cell));

/** Fails unless the key has this type, and a TTL of at least so many seconds. */
async function expectKey(key: string, type: string, ttlSeconds: number): Promise<void> {
  expect(await harness.redis.type(key), key).toBe(type);
  expect(await harness.redis.ttl(key), key).toBeGreaterThan(ttlSeconds - 60);
}

test('an old client reads each profile with HGETALL: every field as text, "" for null, true or false, plain integers', async () => {
  const { redis, schema } = harness;
  for (const id of await column(`SELECT kol_id FROM ${schema}.kol_profiles WHERE platform = 'tiktok'`)) {
    await expectKey(`kol:profile:${id}`, 'hash', 3600);
    const fields = await redis.hgetall(`kol:profile:${id}`);
    expect(Object.keys(fields).sort()).toEqual(PROFILE_FIELDS.split(' ').sort());
    expect(fields).toMatchObject({ kol_id: id, platform: 'tiktok' });
    for (const name of ['followers_count', 'following_count', 'post_count'])
      expect(fields[name], name).toMatch(COUNT);
    expect(fields['verified']).toMatch(/^(true|false|)$/);
    expect(fields['cached_at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
  const unknown = await redis.hgetall('kol:profile:9007199254740993001');
  expect(unknown).toMatchObject({
    username: '',
    bio: '',
    followers_count: '',
    verified: 'false',
    category: '',
  });
});

test('an old client reads rankings with ZREVRANGE, and scores that are the counts', async () => {
  const { redis, trino, schema } = harness;
  for (const limit of [50, 100]) {
    await expectKey(`kol:top:followers:all:${limit}`, 'zset', 900);
    await expectKey(`kol:top:engagement:tiktok:${limit}`, 'zset', 900);
  }
  const top = await trino(
    `SELECT kol_id, CAST(followers_count AS VARCHAR) FROM ${schema}.kol_profiles WHERE followers_count IS NOT NULL
     ORDER BY followers_count DESC, kol_id DESC LIMIT 5`,
  );
  expect(await redis.zrevrange('kol:top:followers:all:50', 0, 4, 'WITHSCORES')).toEqual(top.flat());
});

test('an old client reads lists with GET and JSON, most followers first', async () => {
  await expectKey('kol:profiles:list:tiktok', 'string', 900);
  const list = JSON.parse((await harness.redis.get('kol:profiles:list:tiktok')) ?? '') as Record<
    string,
    unknown
  >[];
  expect(list).toHaveLength(49);
  const followers = list.map(({ followers_count }) => Number(followers_count ?? -1));
  expect(followers).toEqual([...followers].sort((a, b) => b - a));
  expect(list.at(-1)).toMatchObject({ kol_id: '9007199254740993001', bio: null, verified: false });
});

test('an old client reads trending ids with LRANGE, and each item with HGETALL', async () => {
  const { redis } = harness;
  await expectKey('content:trending:all:50', 'list', 900);
  const ids = await redis.lrange('content:trending:all:50', 0, -1);
  expect(ids.length).toBeGreaterThan(0);
  for (const id of ids) {
    await expectKey(`content:detail:${id}`, 'hash', 1800);
    const fields = await redis.hgetall(`content:detail:${id}`);
    expect(Object.keys(fields).sort()).toEqual(CONTENT_FIELDS.split(' ').sort());
    for (const name of ['views', 'likes', 'comments', 'shares']) expect(fields[name], name).toMatch(COUNT);
  }
});

test('an old client reads statistics with HGETALL, suggestions with ZRANGEBYLEX, and when each part was warmed', async () => {
  const { redis, schema } = harness;
  await expectKey('stats:platform', 'hash', 300);
  const [kols] = await column(`SELECT count(*) FROM ${schema}.kol_profiles`);
  expect(await redis.hmget('stats:platform', 'total_kols', 'kols_tiktok')).toEqual([kols, '49']);
  await expectKey(`stats:daily:${new Date().toISOString().slice(0, 10)}`, 'hash', 86_400);

  await expectKey('search:autocomplete', 'zset', 1800);
  const [[name = ''] = []] = await harness.trino(
    `SELECT lower(username) FROM ${schema}.kol_profiles WHERE platform = 'tiktok' AND username <> '' LIMIT 1`,
  );
  expect(
    await redis.zrangebylex('search:autocomplete', `[${String(name)}`, `[${String(name)}\xff`),
  ).toContain(name);

  await expectKey('cache:metadata', 'hash', 86_400);
  for (const part of ['profiles', 'rankings', 'trending', 'stats', 'search', 'lists'])
    expect(JSON.parse((await redis.hget('cache:metadata', part)) ?? '')).toMatchObject({
      warmed_at: expect.stringMatching(/^\d{4}-/) as string,
      keys: expect.any(Number) as number,
    });
});
