import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { content } from '../../../domain/entities/content.ts';
import { createMlService } from '../../../simulators/ml-service/server.ts';
import { apiConfig, cacheStatus, useApi } from '../../support/api.ts';
import { queryColumn } from '../../support/trino.ts';

/** Longer than a second, which is the precision of Last-Modified: the score is computed later than its features are read. */
const MODEL_MS = 1100;

const model = createMlService({ latencyMs: MODEL_MS });
model.listen(0, '127.0.0.1');
await once(model, 'listening');
afterAll(() => model.close());
const { api, redis } = await useApi({
  ML_API_URL: `http://127.0.0.1:${(model.address() as AddressInfo).port}`,
  API_L1_MEGABYTES: '16',
});

const kinds = {
  profile: '/api/v1/kols/{kol}',
  score: '/api/v1/kols/{scored}/score',
  'content of a KOL': '/api/v1/kols/{author}/content',
  'list of profiles': '/api/v1/kols?limit=1',
  ranking: '/api/v1/kols/top?limit=3',
  'ranking by engagement': '/api/v1/kols/top?by=engagement',
  content: '/api/v1/content/{content}',
  'trending content': '/api/v1/content/trending',
  statistics: '/api/v1/stats',
  'statistics of a day': '/api/v1/stats/daily/{day}',
};
type Kind = keyof typeof kinds;
/** Events write these values several times in a second, so a time in whole seconds does not identify a version. */
const isStreamed = (kind: Kind) => ['score', 'content', 'trending content'].includes(kind);
const ids: Record<string, string> = {};

beforeAll(async () => {
  const select = {
    kol: 'max(kol_id) AS id FROM iceberg.kol_silver.kol_profiles',
    scored: 'max(kol_id) AS id FROM iceberg.kol_silver.kol_trust_features',
    author: 'max(kol_id) AS id FROM iceberg.kol_silver.kol_content',
    content: 'max(content_id) AS id FROM iceberg.kol_silver.kol_content',
    day: 'substr(max(posted_at), 1, 10) AS id FROM iceberg.kol_silver.kol_content',
  };
  for (const [name, sql] of Object.entries(select))
    [ids[name] = ''] = await queryColumn(apiConfig().TRINO_URL, `SELECT ${sql}`);
});
const pathOf = (kind: Kind) =>
  kinds[kind].replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? ''));
/** Each encoding has its own ETag. */
const get = (kind: Kind) => api.get(pathOf(kind), { 'accept-encoding': 'identity' });

describe.each(Object.keys(kinds) as Kind[])('the answers of the kind: %s', (kind) => {
  test('name one Last-Modified (none if events write the value) and one ETag, from the lakehouse, from Redis and from L1', async () => {
    const miss = await get(kind);
    expect(miss.status).toBe(200);
    expect(cacheStatus(miss)).toMatch(/^kol-redis; fwd=uri-miss; stored/);
    await sleep(1000); // an answer that named its own time would name another one
    const hit = await get(kind);
    expect(cacheStatus(hit)).toMatch(/^kol-redis; hit/);
    const local = await get(kind);
    expect(cacheStatus(local)).toMatch(/^kol-l1; hit/);
    const modified = [miss, hit, local].map(({ headers }) => headers.get('last-modified'));
    const [expected] = isStreamed(kind) ? [null] : modified;
    expect(modified).toEqual([expected, expected, expected]);
    if (!isStreamed(kind)) expect(expected).toMatch(/^\w{3}, .* GMT$/);
    const [ofMiss, ...ofHits] = [miss, hit, local].map(({ headers }) => headers.get('etag'));
    expect(ofHits[0]).toBe(ofHits[1]);
    // a score shows whether it was computed for this request
    if (kind !== 'score') expect(ofMiss).toBe(ofHits[0]);
  });
});

test('a value that an event changes in the second of its read is sent again to a client that names a time', async () => {
  const path = pathOf('content');
  await api.get(path);
  const { headers } = await api.get(path);
  await redis.hincrby(content.key(ids['content'] ?? ''), 'views', 1);
  const since = headers.get('last-modified') ?? headers.get('date') ?? '';
  expect((await api.get(path, { 'if-modified-since': since })).status).toBe(200);
});

test('an expanded list names no Last-Modified: its profiles change without it', async () => {
  await redis.flushdb();
  for (const _ of ['miss', 'hit']) {
    const { status, headers } = await api.get('/api/v1/kols/top?limit=3&expand=profile');
    expect([status, headers.get('last-modified')]).toEqual([200, null]);
  }
});
