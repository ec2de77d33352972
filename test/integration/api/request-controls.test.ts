import { beforeAll, describe, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { content } from '../../../domain/entities/content.ts';
import { platformStats } from '../../../domain/entities/platform-stats.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { score } from '../../../domain/entities/score.ts';
import {
  apiConfig,
  cacheStatus,
  startApi,
  TOKEN,
  UNREACHABLE_ADDRESS,
  useApi,
  withToken,
  type RunningApi,
} from '../../support/api.ts';
import { contentOf, NOW, profileEntries, scoreAt } from '../../support/cache-values.ts';
import { queryColumn } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

const REFRESHED = 'kol-redis; fwd=request; stored';
/** Refreshes in a minute without the token. */
const BUDGET = 10;

const { api, redis } = await useApi({ API_TOKEN: TOKEN });
let kolId: string;
let others: string[];
let contentId: string;
beforeAll(async () => {
  const { TRINO_URL } = apiConfig();
  const table = 'iceberg.kol_silver.kol_profiles';
  [kolId = '', ...others] = await queryColumn(
    TRINO_URL,
    `SELECT kol_id FROM ${table} ORDER BY 1 LIMIT ${BUDGET + 6}`,
  );
  [contentId = ''] = await queryColumn(
    TRINO_URL,
    'SELECT min(content_id) FROM iceberg.kol_silver.kol_content',
  );
});

const path = (id: string) => `/api/v1/kols/${encodeURIComponent(id)}`;
/** A value that the lakehouse does not have. */
const WRONG = 7;
/** Caches a profile with a wrong count, as it was read so many seconds ago. */
async function cacheWrong(id = kolId, age = 0): Promise<void> {
  const readAt = new Date(Date.now() - age * 1000);
  await writeEntries(redis, profileEntries([id], WRONG, readAt));
  await redis.expire(profile.key(id), profile.ttlSeconds - age);
}
const read = (cacheControl: string, headers: Readonly<Record<string, string>> = withToken, from = api) =>
  from.get(path(kolId), { 'cache-control': cacheControl, ...headers });
const isWrong = async (answer: ReturnType<RunningApi['get']>) =>
  (await answer).json['followers_count'] === WRONG;

describe('a cached answer that the client does not accept is refreshed:', () => {
  test.each([
    ['max-age', 'max-age=2999', 'max-age=3100'],
    ['max-age with max-stale', 'max-age=100, max-stale=2800', 'max-age=100, max-stale=3000'],
    ['max-age with any max-stale', 'max-age=100', 'max-age=100, max-stale'],
    ['min-fresh', 'min-fresh=601', 'min-fresh=500'],
    ['no-cache', 'no-cache', 'no-store'],
  ])('%s', async (_, demanding, accepting) => {
    await cacheWrong(kolId, 3000);
    expect(await isWrong(read(accepting))).toBe(true);
    const refreshed = await read(demanding);
    expect([cacheStatus(refreshed), refreshed.headers.get('age')]).toEqual([REFRESHED, '0']);
    expect(refreshed.json['followers_count']).not.toBe(WRONG);
    const next = await api.get(path(kolId));
    expect([next.text, cacheStatus(next)?.slice(0, 14)]).toEqual([refreshed.text, 'kol-redis; hit']);
  });

  test('each id of a request for several, in one query and with one permission', async () => {
    const several = others.slice(0, BUDGET + 5);
    for (const id of several) await cacheWrong(id);
    const url = `/api/v1/kols?ids=${several.map(encodeURIComponent).join(',')}`;
    const user = `one-permission-${process.pid}`;
    const alone = await startApi({ API_TOKEN: TOKEN, TRINO_USER: user });
    try {
      const { json } = await alone.get(url, { 'cache-control': 'no-cache' });
      const items = json['items'] as { followers_count: number }[];
      expect(items).toHaveLength(BUDGET + 5);
      expect(items.map(({ followers_count }) => followers_count)).not.toContain(WRONG);
      const queries = `SELECT query_id FROM system.runtime.queries
        WHERE "user" = '${user}' AND query LIKE '%"kol_profiles"%' AND query LIKE '%''${several[0]}''%'`;
      expect(await queryColumn(apiConfig().TRINO_URL, queries)).toHaveLength(1);
    } finally {
      await alone.close();
    }
  });

  test('it is removed for all clients when the lakehouse no longer has it', async () => {
    await writeEntries(redis, profileEntries(['nobody'], WRONG));
    const { status } = await api.get(path('nobody'), { 'cache-control': 'no-cache', ...withToken });
    expect(status).toBe(404);
    expect(await redis.exists(profile.key('nobody'))).toBe(0);
  });

  test('but not with If-None-Match, where it asks for validation, as fetch does', async () => {
    await cacheWrong();
    const etag = (await api.get(path(kolId))).headers.get('etag') ?? '';
    for (const cacheControl of ['no-cache', 'max-age=0']) {
      const answer = await read(cacheControl, { 'if-none-match': etag, ...withToken });
      expect([answer.status, cacheStatus(answer)?.slice(0, 14)]).toEqual([304, 'kol-redis; hit']);
    }
  });

  test('but not what an event wrote, which is newer than the lakehouse', async () => {
    const noCache = { 'cache-control': 'no-cache', ...withToken };
    await writeEntries(redis, [
      score.toEntry(scoreAt(kolId, NOW.getTime())),
      content.toEntry(contentId, contentOf(contentId, WRONG), NOW.toISOString()),
    ]);
    await redis.hset(content.key(contentId), 'event_time_ms', NOW.getTime());
    for (const url of [`${path(kolId)}/score`, `/api/v1/content/${contentId}`])
      expect(cacheStatus(await api.get(url, noCache))).toMatch(/^kol-redis; hit/);
    expect((await api.get(`/api/v1/content/${contentId}`, noCache)).json['views']).toBe(WRONG);
  });
});

test('a platform is read with no-cache although the statistics do not name it yet', async () => {
  const [platform = ''] = await queryColumn(
    apiConfig().TRINO_URL,
    'SELECT min(platform) FROM iceberg.kol_silver.kol_profiles',
  );
  const known = await startApi({ API_TOKEN: TOKEN });
  try {
    const url = `/api/v1/kols/top?platform=${platform}`;
    expect((await known.get('/api/v1/stats')).status).toBe(200);
    const names = await redis.hkeys(platformStats.key);
    await redis.hdel(platformStats.key, ...names.filter((name) => name.endsWith(`_${platform}`)));
    await redis.hset(platformStats.key, 'kols_another', '1');
    expect((await known.get(url)).status).toBe(404);
    expect((await known.get(url, { 'cache-control': 'no-cache', ...withToken })).status).toBe(200);
  } finally {
    await known.close();
  }
});

describe('a refresh', () => {
  test('without the token is possible a few times in a minute; then the cached answer is sent', async () => {
    const other = await startApi({ API_TOKEN: TOKEN });
    try {
      const withoutToken = [{}, { authorization: 'Bearer a-wrong-token-of-16' }];
      const statuses: (string | null)[] = [];
      for (let count = 0; count < BUDGET + 5; count += 1) {
        const answer = await read('no-cache', withoutToken[count % 2], other);
        expect(answer.status).toBe(200);
        // The first read is a miss: it is answered in any case, but takes its part of the budget.
        statuses.push(cacheStatus(answer));
      }
      expect(statuses[0]).toBe('kol-redis; fwd=uri-miss; stored');
      expect(statuses.filter((status) => status === REFRESHED)).toHaveLength(BUDGET - 1);
      expect(statuses.at(-1)).toMatch(/^kol-redis; hit/);
      expect(cacheStatus(await read('no-cache', withToken, other))).toBe(REFRESHED);
    } finally {
      await other.close();
    }
  });

  test('takes no budget for a value that events wrote, because it changes nothing', async () => {
    const other = await startApi({ API_TOKEN: TOKEN });
    try {
      const trending = '/api/v1/content/trending';
      expect((await other.get(trending)).status).toBe(200);
      for (let count = 0; count < BUDGET + 1; count += 1)
        expect(cacheStatus(await other.get(trending, { 'cache-control': 'no-cache' }))).toMatch(
          /^kol-redis; hit/,
        );
      await cacheWrong();
      expect(cacheStatus(await read('no-cache', {}, other))).toBe(REFRESHED);
    } finally {
      await other.close();
    }
  });

  test('sends the cached answer when the lakehouse does not answer', async () => {
    const alone = await startApi({ API_TOKEN: TOKEN, TRINO_URL: `http://${UNREACHABLE_ADDRESS}` });
    try {
      await cacheWrong();
      expect(await isWrong(read('no-cache', withToken, alone))).toBe(true);
    } finally {
      await alone.close();
    }
  });

  test('bypasses the answers in memory, and replaces them', async () => {
    const local = await startApi({ API_TOKEN: TOKEN, API_L1_MEGABYTES: '8', API_L1_TTL_SECONDS: '600' });
    try {
      await cacheWrong(kolId, 100);
      const isLocal = async () => (cacheStatus(await local.get(path(kolId))) ?? '').startsWith('kol-l1');
      await until('the answer is kept', isLocal);
      expect(await isWrong(read('max-age=100000', {}, local))).toBe(true);
      expect(cacheStatus(await read('max-age=50', withToken, local))).toBe(REFRESHED);
      await until('the new value shows', async () => !(await isWrong(local.get(path(kolId)))));
    } finally {
      await local.close();
    }
  });
});

describe('only-if-cached', () => {
  test('sends the cached value, otherwise 504 without a query', async () => {
    const missing = await read('only-if-cached');
    expect([missing.status, missing.json['type']]).toEqual([504, 'urn:kol-cache:problem:not-cached']);
    await cacheWrong(kolId, 100);
    expect(await isWrong(read('only-if-cached, max-age=200'))).toBe(true);
    expect((await read('only-if-cached, max-age=50')).status).toBe(504);
    expect(await redis.exists(profile.key(others[0] ?? ''))).toBe(0);
  });

  test('names the ids that are not cached, and is 504 when none is', async () => {
    await cacheWrong();
    const ids = (list: readonly string[]) =>
      api.get(`/api/v1/kols?ids=${list.map(encodeURIComponent).join(',')}`, {
        'cache-control': 'only-if-cached',
      });
    const [other = ''] = others;
    const { status, json } = await ids([kolId, other]);
    expect([status, json]).toMatchObject([
      200,
      { unavailable: [{ id: other, type: 'urn:kol-cache:problem:not-cached' }] },
    ]);
    expect((await ids(others)).status).toBe(504);
  });
});
