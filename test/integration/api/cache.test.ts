import { beforeEach, describe, expect, test } from 'vitest';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { readRedisTime } from '../../../clients/redis.ts';
import { profileList } from '../../../domain/entities/profile-list.ts';
import { ranking } from '../../../domain/entities/ranking.ts';
import { score } from '../../../domain/entities/score.ts';
import { ALL } from '../../../domain/values/text-ids.ts';
import {
  cacheStatus,
  startApi,
  TOKEN,
  UNREACHABLE_ADDRESS,
  useApi,
  withToken,
  type Answer,
} from '../../support/api.ts';
import { startSeparateApi } from '../../support/api-process.ts';
import { profileEntries, profileOf, scoreAt } from '../../support/cache-values.ts';
import { until } from '../../support/until.ts';

const calls = [
  ['GET', '/api/v1/cache/status', undefined],
  ['POST', '/api/v1/cache/invalidate', { kinds: ['profile'] }],
  ['DELETE', '/api/v1/kols/zoe', undefined],
] as const;

const { api, redis } = await useApi({ API_TOKEN: TOKEN });
beforeEach(() => writeEntries(redis, profileEntries(['zoe', 'ana'])));

describe.each(calls)('%s %s', (method, path, body) => {
  test('needs the token', async () => {
    expect((await api.send(method, path, body)).status).toBe(401);
    expect(await redis.exists('kol:profile:zoe')).toBe(1);
  });
});

test('a call that only Redis can answer is 503 without Redis', async () => {
  const alone = await startApi({ API_TOKEN: TOKEN, REDIS_URL: `redis://${UNREACHABLE_ADDRESS}` });
  const expected = [
    ...calls.map((call) => [...call, 'cache-unavailable'] as const),
    ['GET', '/api/v1/users/u-42/searches', undefined, 'cache-unavailable'] as const,
    ['GET', '/api/v1/search?q=zoe', undefined, 'search-unavailable'] as const,
  ];
  try {
    for (const [method, path, body, problem] of expected) {
      const { status, json } = await alone.send(method, path, body, withToken);
      expect([path, status, json['type']]).toEqual([path, 503, `urn:kol-cache:problem:${problem}`]);
    }
  } finally {
    await alone.close();
  }
});

test('the status counts what the cache holds, and the reads of this process', async () => {
  const readings = async () => (await api.send('GET', '/api/v1/cache/status', undefined, withToken)).json;
  const before = (await readings())['process'] as Record<string, number>;
  await api.get('/api/v1/kols/zoe');
  await api.get('/api/v1/kols?ids=zoe,ana');
  const status = await readings();
  expect(status).toMatchObject({ keys: 2, share_with_ttl: 1, by_kind: { profile: { keys: 2 } } });
  expect(status['process']).toMatchObject({ hit: (before['hit'] ?? 0) + 3 });
});

test('invalidated values are read from the lakehouse again', async () => {
  const body = { kinds: ['profile'], ids: ['zoe'] };
  const { json } = await api.send('POST', '/api/v1/cache/invalidate', body, withToken);
  expect(json).toEqual({ deleted: 1, by_kind: { profile: 1 } });
  expect((await api.get('/api/v1/kols/zoe')).status).toBe(404); // the lakehouse has no zoe
  expect((await api.get('/api/v1/kols/ana')).status).toBe(200);
});

test.each([
  ['kinds', {}],
  ['kinds', { kinds: [] }],
  ['kinds', { kinds: ['search_recent'] }],
  ['kinds', { kinds: ['profile', 'ranking'], ids: ['zoe'] }],
  ['ids', { kinds: ['profile'], ids: [] }],
  ['all', { kinds: ['profile'], all: true }],
])('a wrong %s of %o is refused', async (parameter, body) => {
  const { status, json } = await api.send('POST', '/api/v1/cache/invalidate', body, withToken);
  expect([status, json['invalid']]).toMatchObject([400, [{ parameter }]]);
});

// How soon is asserted in test/chaos/write-visibility.test.ts.
test('an erased KOL is gone from the memory of every process, also from lists', async () => {
  const settings = { API_TOKEN: TOKEN, API_L1_MEGABYTES: '8', API_L1_TTL_SECONDS: '600' };
  const processes = await Promise.all([startSeparateApi(settings), startSeparateApi(settings)]);
  const [first] = processes;
  const kolIds = ['zoe', 'ana'];
  const members = kolIds.map((kol_id) => ({ kol_id, score: 7 }));
  await writeEntries(redis, [
    ranking.toEntry('followers', ALL, 100, members),
    profileList.toEntry(
      'tiktok',
      kolIds.map((id) => profileOf(id)),
    ),
    score.toEntry(scoreAt('zoe', null)),
  ]);
  const paths = [
    '/api/v1/kols/zoe',
    '/api/v1/kols/zoe/score',
    '/api/v1/kols/top',
    '/api/v1/kols?platform=tiktok',
  ];
  const reads = processes.flatMap((each) => paths.map((path) => () => each.get(path)));
  const names = ({ status, text }: Answer) => status === 200 && text.includes('"zoe"');
  try {
    for (const read of reads) {
      await until('it is local', async () => (cacheStatus(await read()) ?? '').startsWith('kol-l1; hit'));
      expect(names(await read())).toBe(true);
    }
    await first?.send('DELETE', '/api/v1/kols/zoe', undefined, withToken);
    for (const read of reads) await until('it is gone', async () => !names(await read()));
  } finally {
    await Promise.all(processes.map((each) => each.close()));
  }
});

test('a list without the erased KOL is sent again, also to a client that sends If-Modified-Since', async () => {
  const members = ['zoe', 'ana'].map((kol_id) => ({ kol_id, score: 7 }));
  await replaceSet(redis, ranking.toEntry('followers', ALL, 50, members), await readRedisTime(redis));
  const top = (headers = {}) => api.get('/api/v1/kols/top?limit=50', headers);
  const before = await top();
  const since = { 'if-modified-since': before.headers.get('last-modified') ?? '' };
  expect([before.text.includes('zoe'), (await top(since)).status]).toEqual([true, 304]);
  // The header has whole seconds.
  await until('the second is over', () =>
    Promise.resolve(Date.parse(since['if-modified-since']) + 1000 < Date.now()),
  );
  await api.send('DELETE', '/api/v1/kols/zoe', undefined, withToken);
  const { status, text } = await top(since);
  expect([status, text.includes('zoe'), text.includes('ana')]).toEqual([200, false, true]);
});

test('a list that did not have the erased KOL keeps its Last-Modified', async () => {
  const entry = ranking.toEntry('followers', ALL, 100, [{ kol_id: 'ana', score: 7 }]);
  await replaceSet(redis, entry, (await readRedisTime(redis)) - 60_000_000);
  const top = async () => (await api.get('/api/v1/kols/top?limit=100')).headers.get('last-modified');
  const before = await top();
  await api.send('DELETE', '/api/v1/kols/zoe', undefined, withToken);
  await redis.expire(entry.key, 1000); // drops it from the memory of the API
  expect([before, await top()]).toEqual([expect.any(String), before]);
});

test('a KOL with the name of a route is erased by its path', async () => {
  const { status, json } = await api.send('DELETE', '/api/v1/kols/top', undefined, withToken);
  expect([status, json['kol_id']]).toEqual([200, 'top']);
  const put = await api.send('PUT', '/api/v1/kols/top', undefined, withToken);
  expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
});

test('an erasure removes the KOL, and the answer lists what was removed', async () => {
  const { status, json } = await api.send('DELETE', '/api/v1/kols/zoe', undefined, withToken);
  expect([status, json]).toMatchObject([200, { kol_id: 'zoe', removed: { profile: 1, score: 0 } }]);
  expect((await api.get('/api/v1/kols/zoe')).status).toBe(404);
});
