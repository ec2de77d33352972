import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { score } from '../../../domain/entities/score.ts';
import { createMlService } from '../../../simulators/ml-service/server.ts';
import { apiConfig, cacheStatus, startApi, useApi, type Answer } from '../../support/api.ts';
import { scoreAt } from '../../support/cache-values.ts';
import { queryColumn } from '../../support/trino.ts';

const { api, redis } = await useApi();
let kolIds: string[];
let contentIds: string[];

beforeAll(async () => {
  const { TRINO_URL } = apiConfig();
  const ids = (column: string, table: string) =>
    queryColumn(TRINO_URL, `SELECT ${column} FROM iceberg.kol_silver.${table} LIMIT 100`);
  kolIds = await ids('kol_id', 'kol_profiles');
  contentIds = await ids('content_id', 'kol_content');
});

type Item = Readonly<Record<string, unknown>>;
const itemsOf = ({ json }: Answer) => json['items'] as readonly Item[];
const list = (ids: readonly string[]) => ids.map(encodeURIComponent).join(',');

describe('several ids in one request', () => {
  test('are answered in the order asked, from Redis and the lakehouse, and the ones that do not exist are named', async () => {
    const [first = '', second = '', third = ''] = kolIds;
    await api.get(`/api/v1/kols/${encodeURIComponent(second)}`);
    const mixed = await api.get(`/api/v1/kols?ids=${list([third, 'nobody-1', second, first, third])}`);
    expect(mixed.status).toBe(200);
    expect(itemsOf(mixed).map(({ kol_id }) => kol_id)).toEqual([third, second, first]);
    expect(mixed.json).toMatchObject({ missing: ['nobody-1'], unavailable: [] });
    expect(cacheStatus(mixed)).toBe('kol-redis; fwd=miss; detail="1 of 4 cached"');
    expect(mixed.headers.get('cache-control')).toBe('no-cache');

    const single = await api.get(`/api/v1/kols/${encodeURIComponent(third)}`);
    expect(itemsOf(mixed)[0]).toEqual(single.json);
    const cached = await api.get(`/api/v1/kols?ids=${list([first, 'nobody-1'])}`);
    expect([cacheStatus(cached), cached.json['missing']]).toEqual(['kol-redis; hit', ['nobody-1']]);
  });

  test('can be 100, of content too', async () => {
    for (const _ of ['miss', 'hit']) {
      const read = await api.get(`/api/v1/content?ids=${list(contentIds)}`);
      expect(itemsOf(read).map(({ content_id }) => content_id)).toEqual(contentIds);
    }
    const { status, json } = await api.get(`/api/v1/content?ids=${list([...contentIds, 'one-more'])}`);
    expect([status, json['type']]).toEqual([400, 'urn:kol-cache:problem:invalid-parameter']);
  });

  test('can have commas when the parameter is repeated', async () => {
    const { json } = await api.get('/api/v1/kols?ids=no,body&ids=no%2Cone');
    expect(json).toEqual({ items: [], missing: ['no,body', 'no,one'], unavailable: [] });
  });

  test('are scores too; without a model, those that are not cached are named as unavailable', async () => {
    const [known = '', unscored = ''] = await queryColumn(
      apiConfig().TRINO_URL,
      'SELECT kol_id FROM iceberg.kol_silver.kol_trust_features LIMIT 2',
    );
    await writeEntries(redis, [score.toEntry(scoreAt(known, 1))]);
    const { status, json } = await api.get(`/api/v1/scores?ids=${list([unscored, 'nobody-2', known])}`);
    expect([status, json]).toEqual([
      200,
      {
        items: [{ ...scoreAt(known, 1), cold: false }],
        missing: ['nobody-2'],
        unavailable: [{ id: unscored, type: 'urn:kol-cache:problem:model-unavailable' }],
      },
    ]);
  });
});

test('100 scores that are not cached share queries and calls of the model, and are in the order asked', async () => {
  const { TRINO_URL } = apiConfig();
  const ids = await queryColumn(
    TRINO_URL,
    'SELECT kol_id FROM iceberg.kol_silver.kol_trust_features LIMIT 100',
  );
  const FEW = 3;
  const user = `cold-scores-${process.pid}`;
  const calls: (string | undefined)[] = [];
  const model = createMlService({ latencyMs: 0 }).on('request', ({ url }) => calls.push(url));
  await once(model.listen(0, '127.0.0.1'), 'listening');
  const { port } = model.address() as AddressInfo;
  const scoring = await startApi({ ML_API_URL: `http://127.0.0.1:${port}`, TRINO_USER: user });
  try {
    const answer = await scoring.get(`/api/v1/scores?ids=${list(ids)}`);
    expect(itemsOf(answer).map(({ kol_id, cold }) => [kol_id, cold])).toEqual(ids.map((id) => [id, true]));
    expect(answer.json).toMatchObject({ missing: [], unavailable: [] });
    // One of each, unless the machine is busy.
    expect(calls.length).toBeLessThanOrEqual(FEW);
    expect(new Set(calls)).toEqual(new Set(['/predict/trust/batch']));
    const queries = `SELECT query_id FROM system.runtime.queries
      WHERE "user" = '${user}' AND query LIKE '%"kol_trust_features"%' AND query LIKE '% IN (%'`;
    const sent = await queryColumn(TRINO_URL, queries);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.length).toBeLessThanOrEqual(FEW);
  } finally {
    await scoring.close();
    model.close();
  }
});

describe('methods', () => {
  const url = (path: string) => `${api.url}${path}`;

  test('HEAD has the status and headers of GET, without the body', async () => {
    const path = `/api/v1/kols/${encodeURIComponent(kolIds[0] ?? '')}`;
    const get = await api.get(path);
    const head = await fetch(url(path), { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const name of ['etag', 'content-length', 'content-type', 'last-modified'])
      expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)]);
    expect((await fetch(url('/api/v1/kols/nobody-3'), { method: 'HEAD' })).status).toBe(404);
  });

  test.each([
    '/',
    '/livez',
    '/healthz',
    '/readyz',
    '/api/v1/kols',
    '/api/v1/kols/top',
    '/api/v1/kols/x/score',
    '/api/v1/content',
    '/api/v1/content/trending',
    '/api/v1/content/x',
    '/api/v1/scores',
    '/api/v1/stats',
  ])('%s answers 405 with Allow to other methods', async (path) => {
    for (const method of ['POST', 'PUT', 'PATCH']) {
      const response = await fetch(url(path), { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
      expect(await response.json()).toMatchObject({ type: 'urn:kol-cache:problem:method-not-allowed' });
    }
    const options = await fetch(url(path), { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
  });

  test('Allow names every method of the path', async () => {
    const response = await fetch(url('/api/v1/kols/x'), { method: 'POST' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, DELETE, OPTIONS']);
  });
});
