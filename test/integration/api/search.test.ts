import { beforeEach, describe, expect, test } from 'vitest';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { searchIndex } from '../../../domain/entities/search-index.ts';
import { buildSearchIndex } from '../../../domain/search/build-index.ts';
import { ALL } from '../../../domain/values/text-ids.ts';
import { TOKEN, useApi, withToken, type Answer } from '../../support/api.ts';
import { profileEntries } from '../../support/cache-values.ts';

const { api, redis } = await useApi({ API_TOKEN: TOKEN });
const READ_SECONDS_AGO = 300;
beforeEach(async () => {
  const readAt = (Date.now() - READ_SECONDS_AGO * 1000) * 1000;
  const kols = [
    { kol_id: 'duc', names: ['Nguyễn Đức'], followers_count: 900 },
    { kol_id: 'duc2', names: ['nguyen duc'], followers_count: 30 },
  ];
  await replaceSet(redis, searchIndex.toEntry('tiktok', buildSearchIndex(kols, 100)), readAt);
  await replaceSet(redis, searchIndex.toEntry(ALL, ['tiktok']), readAt);
});

const items = ({ json }: Answer) => json['items'] as Record<string, unknown>[];

test('a search answers with KOLs, and with their cached profiles when expanded', async () => {
  await writeEntries(redis, profileEntries(['duc']));
  const found = await api.get('/api/v1/search?q=NGUYEN');
  expect(found.json).toEqual({
    q: 'NGUYEN',
    platform: 'all',
    limit: 20,
    items: [
      { kol_id: 'duc', platform: 'tiktok', name: 'Nguyễn Đức', followers_count: 900 },
      { kol_id: 'duc2', platform: 'tiktok', name: 'nguyen duc', followers_count: 30 },
    ],
  });
  expect(items(await api.get('/api/v1/search?q=%C4%91%E1%BB%A9c&limit=1'))).toMatchObject([
    { kol_id: 'duc' },
  ]);
  const expanded = await api.get('/api/v1/search?q=duc&expand=profile');
  expect(items(expanded)).toMatchObject([{ profile: { kol_id: 'duc' } }, { profile: null }]);
  expect(expanded.headers.get('cache-control')).toBe('no-cache');
  expect((await api.get('/api/v1/search?q=duc&platform=twitter')).status).toBe(404);
});

test('suggestions are names, each once', async () => {
  const { json } = await api.get('/api/v1/search/suggest?prefix=ng');
  expect(json).toMatchObject({ prefix: 'ng', platform: 'all', limit: 10, items: [{ name: 'Nguyễn Đức' }] });
  expect(json['items']).toHaveLength(1);
});

test.each(['/search?q=duc', '/search?q=duc&expand=profile', '/search/suggest?prefix=duc'])(
  'the Age of %s is the time since the lakehouse was read, not since the TTL was set',
  async (path) => {
    await redis.expire(searchIndex.key('tiktok'), 86_400);
    const { headers } = await api.get(`/api/v1${path}`);
    const age = Number(headers.get('age'));
    expect(age).toBeGreaterThanOrEqual(READ_SECONDS_AGO);
    // clients must find a new name soon
    const kept = path.includes('expand') ? /^no-cache$/ : new RegExp(`^max-age=${age + 60}, `);
    expect(headers.get('cache-control')).toMatch(kept);
    expect(headers.get('last-modified')).toBeNull();
  },
);

test.each([
  ['q', '/api/v1/search'],
  ['q', '/api/v1/search?q=%F0%9F%92%8B'],
  ['q', `/api/v1/search?q=${'x'.repeat(201)}`],
  ['limit', '/api/v1/search?q=a&limit=101'],
  ['prefix', '/api/v1/search/suggest?prefix=...'],
])('refuses a wrong %s of %s', async (parameter, path) => {
  const { status, json } = await api.get(path);
  expect([status, json['invalid']]).toMatchObject([400, [{ parameter }]]);
});

describe('the searches of a user', () => {
  test('are kept by searches that name the user, and shown newest first', async () => {
    for (const q of ['Duc', '%20nguyen%20', 'Duc']) {
      const answer = await api.get(`/api/v1/search?user_id=u-42&q=${q}`, withToken);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-cache']);
    }
    const { json } = await api.get('/api/v1/users/u-42/searches', withToken);
    expect(json).toEqual({ user_id: 'u-42', items: ['Duc', 'nguyen'] });
  });

  test('need the token', async () => {
    for (const path of ['/api/v1/search?q=duc&user_id=u-42', '/api/v1/users/u-42/searches'])
      expect((await api.get(path)).status).toBe(401);
    expect(await redis.exists('search:recent:u-42')).toBe(0);
  });
});

test('a search without an index is 503, and never an empty answer', async () => {
  await redis.flushdb();
  for (const path of ['/api/v1/search?q=duc', '/api/v1/search?q=duc&platform=tiktok']) {
    const { status, json } = await api.get(path);
    expect([status, json['type']]).toEqual([503, 'urn:kol-cache:problem:search-unavailable']);
  }
});
