import { beforeAll, describe, expect, test } from 'vitest';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { ranking } from '../../../domain/entities/ranking.ts';
import { trending } from '../../../domain/entities/trending.ts';
import { API_TRINO_USER, apiConfig, cacheStatus, useApi } from '../../support/api.ts';
import { NOW, profileEntries, profileOf } from '../../support/cache-values.ts';
import { mostBatches } from '../../support/most-batches.ts';
import { queryColumn } from '../../support/trino.ts';

const STORED = 'kol-redis; fwd=uri-miss; stored';
/** Events change the value within seconds. */
const MOVING = 'max-age=5, stale-while-revalidate=10, stale-if-error=600';

const { api, redis } = await useApi();
/** KOLs in the lakehouse: the id of one is a number above 2^53, the id of the other is not a number. */
let numericId: string;
let namedId: string;

beforeAll(async () => {
  [numericId = '', namedId = ''] = await column(
    `SELECT max(kol_id) FILTER (WHERE regexp_like(kol_id, '^[0-9]{17,}$')) AS id FROM iceberg.kol_silver.kol_profiles
     UNION ALL SELECT max(kol_id) FILTER (WHERE NOT regexp_like(kol_id, '^[0-9]+$')) FROM iceberg.kol_silver.kol_profiles
     ORDER BY 1`,
  );
});

const column = (sql: string) => queryColumn(apiConfig().TRINO_URL, sql);
const path = (id: string) => `/api/v1/kols/${encodeURIComponent(id)}`;

describe('a profile', () => {
  test('is read from the lakehouse on a miss, then from Redis, with the same body', async () => {
    const miss = await api.get(path(namedId));
    expect([miss.status, cacheStatus(miss)]).toEqual([200, STORED]);
    expect(miss.headers.get('age')).toBe('0');
    expect(miss.headers.get('cache-control')).toBe(
      'max-age=900, stale-while-revalidate=60, stale-if-error=3600',
    );
    expect(miss.headers.get('last-modified')).toMatch(/^\w{3}, .* GMT$/);

    const hit = await api.get(path(namedId));
    expect(hit.text).toBe(miss.text);
    expect(cacheStatus(hit)).toMatch(/^kol-redis; hit; ttl=(3600|359\d)$/);
    expect(await redis.ttl(`kol:profile:${namedId}`)).toBeGreaterThan(3590);
    expect(await redis.hget(`kol:profile:${namedId}`, 'cached_at')).toMatch(/^\d{4}-.*Z$/);
  });

  test('has typed fields from the lakehouse and from Redis', async () => {
    for (const _ of ['miss', 'hit']) {
      const { json } = await api.get(path(namedId));
      expect(json['kol_id']).toBe(namedId);
      expect(json['followers_count']).toBeTypeOf('number');
      expect(json['verified']).toBeTypeOf('boolean');
      expect(json).not.toHaveProperty('cached_at');
    }
    await redis.hset(`kol:profile:${namedId}`, { bio: '', verified: 'false', post_count: '0' });
    expect((await api.get(path(namedId))).json).toMatchObject({ bio: null, verified: false, post_count: 0 });
  });

  test('keeps every digit of an id that is a large number', async () => {
    expect(Number.isSafeInteger(Number(numericId))).toBe(false);
    for (const _ of ['miss', 'hit']) {
      const { json, text } = await api.get(path(numericId));
      expect(json['kol_id']).toBe(numericId);
      expect(text).toContain(`"kol_id":"${numericId}"`);
    }
  });

  test.each(['a/b', 'Zoë', '小红书/👩‍🔬', '100%', "o'neill -- x", 'TOP', 'a:b{c}'])(
    'can have the id %o, percent-encoded',
    async (id) => {
      const missing = await api.get(path(id));
      expect([missing.status, missing.json['detail']]).toEqual([404, `No KOL ${JSON.stringify(id)}`]);
      await writeEntries(redis, profileEntries([id], 5));
      // The negative result is cached in memory, but Redis is read first, so the new value is visible immediately.
      const found = await api.get(path(id));
      expect([found.status, found.json['kol_id']]).toEqual([200, id]);
    },
  );

  test('that does not exist is 404, and the next read does not query the lakehouse', async () => {
    const first = await api.get(path('no-such-kol'));
    expect([first.status, cacheStatus(first)]).toEqual([404, 'kol-redis; fwd=uri-miss']);
    const second = await api.get(path('no-such-kol'));
    expect([second.status, cacheStatus(second)]).toEqual([404, 'kol-redis; hit; detail=negative']);
    expect(second.headers.get('content-type')).toContain('application/problem+json');
    expect(await redis.exists('kol:profile:no-such-kol')).toBe(0);
  });

  test.each([
    ['invalid fields', () => redis.hset(`kol:profile:${namedId}`, { kol_id: namedId, post_count: 'many' })],
    ['another Redis type', () => redis.set(`kol:profile:${namedId}`, 'pickled')],
  ])('that is cached with %s is read from the lakehouse and replaced', async (_, corrupt) => {
    await corrupt();
    const read = await api.get(path(namedId));
    expect([read.status, cacheStatus(read)]).toEqual([200, STORED]);
    expect(cacheStatus(await api.get(path(namedId)))).toMatch(/; hit; ttl=3\d{3}$/);
  });

  test('that is cached without a TTL is read again, and gets a TTL', async () => {
    await api.get(path(namedId));
    await redis.persist(`kol:profile:${namedId}`);
    expect(cacheStatus(await api.get(path(namedId)))).toBe(STORED);
    expect(await redis.ttl(`kol:profile:${namedId}`)).toBeGreaterThan(3590);
  });

  test('has its times in RFC 3339 and UTC, for every format in the lakehouse', async () => {
    const written = profile.toEntry(
      'times',
      { ...profileOf('times'), account_created_at: '2020-01-01 02:00:00+02', processed_at: 'yesterday' },
      NOW.toISOString(),
    );
    await writeEntries(redis, [written]);
    const { json } = await api.get(path('times'));
    expect(json).toMatchObject({ account_created_at: '2020-01-01T00:00:00.000Z', processed_at: null });
    expect(await redis.hget('kol:profile:times', 'account_created_at')).toBe('2020-01-01 02:00:00+02');
  });

  test('has an Age, and is 304 for a client that has the same version', async () => {
    await api.get(path(namedId));
    const readAt = new Date(Date.now() - 3_000_000).toISOString();
    await redis.hset(`kol:profile:${namedId}`, 'cached_at', readAt);
    const hit = await api.get(path(namedId));
    expect(Number(hit.headers.get('age'))).toBeGreaterThanOrEqual(3000);
    const etag = hit.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[^"]+"$/); // a strong one
    for (const cacheControl of ['max-age=0', 'no-cache']) {
      const headers = { 'if-none-match': etag, 'cache-control': cacheControl };
      const again = await api.get(path(namedId), headers);
      expect([again.status, again.text]).toEqual([304, '']);
    }
  });
});

describe('concurrent misses', () => {
  /** Trino queries for the profile of an id (a LIKE pattern) since a time. */
  const queriesOf = (id: string, since: Date) =>
    column(
      `SELECT query_id AS id FROM system.runtime.queries
       WHERE "user" = '${API_TRINO_USER}' AND created >= from_iso8601_timestamp('${since.toISOString()}')
         AND query LIKE '%"kol_profiles"%' AND query LIKE '%''${id}''%' AND query NOT LIKE '%system.runtime%'`,
    );

  test('for one id share one query', async () => {
    const since = new Date();
    const id = `stampede-${since.getTime()}`;
    const answers = await Promise.all(Array.from({ length: 50 }, () => api.get(path(id))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
    expect(await queriesOf(id, since)).toHaveLength(1);
  });

  test('for different ids are one batched query', async () => {
    const ids = await column(
      'SELECT kol_id AS id FROM iceberg.kol_silver.kol_profiles ORDER BY kol_id LIMIT 100',
    );
    const since = new Date();
    const answers = await Promise.all([...ids, 'batch-mate'].map((id) => api.get(path(id))));
    const most = mostBatches(since);
    expect(answers.map(({ json }) => json['kol_id'])).toEqual([...ids, undefined]);
    expect((await queriesOf('%', since)).length).toBeLessThanOrEqual(most);
    expect(answers.map(cacheStatus)).toEqual([...ids.map(() => STORED), 'kol-redis; fwd=uri-miss']);
  });
});

describe('rankings', () => {
  interface Item {
    readonly rank: number;
    readonly kol_id: string;
    readonly score: number;
    readonly profile?: unknown;
  }
  const items = ({ json }: { json: Readonly<Record<string, unknown>> }) => json['items'] as Item[];

  test('are cached in the shortest length that is enough, and cut to the limit', async () => {
    const miss = await api.get('/api/v1/kols/top?limit=3');
    expect([miss.status, cacheStatus(miss)]).toEqual([200, STORED]);
    expect(miss.json).toMatchObject({ by: 'followers', platform: 'all', limit: 3 });
    expect(items(miss).map(({ rank }) => rank)).toEqual([1, 2, 3]);
    expect(await redis.zcard('kol:top:followers:all:50')).toBe(50);
    const expected = await column(
      'SELECT kol_id AS id FROM iceberg.kol_silver.kol_profiles ORDER BY followers_count DESC NULLS LAST, kol_id DESC LIMIT 3',
    );
    expect(items(miss).map(({ kol_id }) => kol_id)).toEqual(expected);

    const hit = await api.get('/api/v1/kols/top?limit=50');
    expect(cacheStatus(hit)).toMatch(/; hit; /);
    expect(items(hit).slice(0, 3)).toEqual(items(miss));
  });

  test('have the same order from Redis as from the lakehouse, ties included', async () => {
    for (const query of ['by=followers&platform=tiktok', 'by=engagement', 'by=engagement&platform=youtube']) {
      const [miss, hit] = [
        await api.get(`/api/v1/kols/top?${query}`),
        await api.get(`/api/v1/kols/top?${query}`),
      ];
      expect([cacheStatus(miss), cacheStatus(hit)]).toEqual([STORED, expect.stringContaining('; hit; ')]);
      expect(hit.text).toBe(miss.text);
      expect(items(miss).length).toBeGreaterThan(10);
    }
  });

  test('include the cached profiles with expand=profile', async () => {
    const [first] = items(await api.get('/api/v1/kols/top?limit=2'));
    await api.get(path(first?.kol_id ?? ''));
    const expanded = items(await api.get('/api/v1/kols/top?limit=2&expand=profile'));
    expect(expanded[0]?.profile).toMatchObject({ kol_id: first?.kol_id, followers_count: first?.score });
    expect(expanded[1]?.profile).toBeNull();
  });

  test('for an unknown platform are 404', async () => {
    const { status, json } = await api.get('/api/v1/kols/top?platform=myspace');
    expect([status, json['detail']]).toEqual([404, 'No ranking by followers for platform myspace']);
  });
});

describe('the Age of a set that a warm wrote', () => {
  const READ_SECONDS_AGO = 300;
  test.each([
    ['trending content', '/content/trending', trending.toEntry('all', ['video'])],
    ['expanded trending content', '/content/trending?expand=content', trending.toEntry('all', ['video'])],
    [
      'an expanded ranking',
      '/kols/top?expand=profile',
      ranking.toEntry('followers', 'all', 100, [{ kol_id: 'kol', score: 7 }]),
    ],
  ])('is the time since its read, whatever its TTL: %s', async (_, path, entry) => {
    // the TTL of a warm with its grace, and that of a set whose warms are refused
    for (const ttlSeconds of [1020, 86_400]) {
      await replaceSet(redis, { ...entry, ttlSeconds }, (Date.now() - READ_SECONDS_AGO * 1000) * 1000);
      const { headers } = await api.get(`/api/v1${path}`);
      expect(Number(headers.get('age'))).toBeGreaterThanOrEqual(READ_SECONDS_AGO);
      expect(headers.get('last-modified')).toBeNull();
    }
    const tooOld = { 'cache-control': `only-if-cached, max-age=${READ_SECONDS_AGO - 1}` };
    expect((await api.get(`/api/v1${path}`, tooOld)).status).toBe(504);
  });
});

describe('content and statistics', () => {
  test('trending content is a list of ids, with details with expand=content', async () => {
    const miss = await api.get('/api/v1/content/trending?platform=youtube&limit=5');
    expect([miss.status, cacheStatus(miss)]).toEqual([200, STORED]);
    expect(miss.headers.get('cache-control')).toBe(MOVING);
    const ids = await redis.lrange('content:trending:youtube:50', 0, 4);
    expect(miss.json['items']).toEqual(ids.map((content_id, index) => ({ rank: index + 1, content_id })));

    const { json } = await api.get('/api/v1/content/trending?platform=youtube&limit=5&expand=content');
    const content = (
      json['items'] as { content: { content_id: string; platform: string; views: number } }[]
    ).map((item) => item.content);
    expect(content.map(({ content_id }) => content_id)).toEqual(ids);
    expect(new Set(content.map(({ platform }) => platform))).toEqual(new Set(['youtube']));

    const detail = await api.get(`/api/v1/content/${encodeURIComponent(ids[0] ?? '')}`);
    expect(cacheStatus(detail)).toMatch(/; hit; /);
    expect(detail.json).toEqual(content[0]);
    expect(detail.headers.get('cache-control')).toBe(
      MOVING.replace('5', String(Number(detail.headers.get('age')) + 5)),
    );
    expect((await api.get('/api/v1/content/trending?platform=myspace')).status).toBe(404);
    expect((await api.get('/api/v1/content/no-such-content')).status).toBe(404);
  });

  test('statistics are counts over the Silver tables', async () => {
    for (const status of [STORED, 'kol-redis; hit; ttl=']) {
      const read = await api.get('/api/v1/stats');
      expect(cacheStatus(read)).toContain(status);
      expect(read.json).toMatchObject({
        total_kols: 37_486,
        total_content: 20_028,
        by_platform: {
          tiktok: { kols: 48, content: 490 },
          twitter: { kols: 37_438 },
          youtube: { content: 19_538 },
        },
      });
    }
    expect(await redis.hget('stats:platform', 'kols_tiktok')).toBe('48');
  });

  test('statistics with only one cached field are read again', async () => {
    await redis.hincrby('stats:platform', 'total_kols', 1);
    const read = await api.get('/api/v1/stats');
    expect([cacheStatus(read), read.json['total_kols']]).toEqual([STORED, 37_486]);
    expect(await redis.ttl('stats:platform')).toBeGreaterThan(290);
  });
});
