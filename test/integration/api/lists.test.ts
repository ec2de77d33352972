import { describe, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { kolContent } from '../../../domain/entities/kol-content.ts';
import { profileList } from '../../../domain/entities/profile-list.ts';
import {
  API_TRINO_USER,
  apiConfig,
  cacheStatus,
  startApi,
  UNREACHABLE_ADDRESS,
  useApi,
  type Answer,
} from '../../support/api.ts';
import { contentOf, idsOf, profileOf } from '../../support/cache-values.ts';
import { mostBatches } from '../../support/most-batches.ts';
import { queryColumn, queryTrino } from '../../support/trino.ts';

const STORED = 'kol-redis; fwd=uri-miss; stored';
const CONTENT = 'iceberg.kol_silver.kol_content';

const { api, redis } = await useApi({ WARM_LIST_SIZE: '60' });
const { TRINO_URL } = apiConfig();

const items = ({ json }: Answer) => json['items'] as Record<string, unknown>[];
const idsIn = (answer: Answer) => items(answer).map((item) => item['kol_id']);
const cacheList = (platform: string, ids: readonly string[]) =>
  writeEntries(redis, [
    profileList.toEntry(
      platform,
      ids.map((id) => profileOf(id)),
    ),
  ]);
/** All pages of a list, first to last. */
async function pagesOf(path: string): Promise<Answer[]> {
  const pages = [await api.get(path)];
  for (;;) {
    const next = pages.at(-1)?.json['next'];
    if (typeof next !== 'string') return pages;
    pages.push(await api.get(`${path}&cursor=${next}`));
  }
}

describe('the profiles of a platform', () => {
  test('are read from the lakehouse on a miss, then from Redis, most followers first', async () => {
    const path = '/api/v1/kols?platform=tiktok&limit=20';
    const [miss, ...others] = await pagesOf(path);
    expect([miss?.status, cacheStatus(miss as Answer)]).toEqual([200, STORED]);
    expect(others.map(cacheStatus)).toEqual(
      others.map(() => expect.stringMatching(/; hit; ttl=(900|89\d)$/) as string),
    );
    const expected = await queryColumn(
      TRINO_URL,
      `SELECT kol_id AS id FROM iceberg.kol_silver.kol_profiles WHERE platform = 'tiktok'
       ORDER BY followers_count DESC NULLS LAST, kol_id DESC`,
    );
    const pages = [miss as Answer, ...others];
    expect(pages.map((page) => items(page).length)).toEqual([20, 20, 8]);
    expect(pages.flatMap(idsIn)).toEqual(expected);
    expect(pages.map(({ json }) => json['end'])).toEqual([null, null, 'all']);
  });

  test('end where no more are kept, and the last page shows it', async () => {
    const pages = await pagesOf('/api/v1/kols?limit=100');
    expect(pages.map((page) => items(page).length)).toEqual([60]);
    expect(pages.at(-1)?.json).toMatchObject({ platform: 'all', sort: 'followers', next: null, end: 'kept' });
  });

  test('may be kept by clients only with the last page: a cursor must not be older than the list', async () => {
    const kept = (await pagesOf('/api/v1/kols?platform=tiktok&limit=20')).map(({ headers }) =>
      headers.get('cache-control'),
    );
    expect(kept).toEqual(['no-cache', 'no-cache', expect.stringMatching(/^max-age=900, /)]);
  });

  test.each([
    [59, 'all'],
    [60, 'kept'],
  ])(
    'without statistics, a list of %i of 60 ends with %s, which clients must validate',
    async (size, end) => {
      await cacheList('tiktok', idsOf(size));
      const cut = await startApi({ WARM_LIST_SIZE: '60', TRINO_URL: `http://${UNREACHABLE_ADDRESS}` });
      const { json, headers } = await cut.get('/api/v1/kols?platform=tiktok&limit=100');
      await cut.close();
      expect([json['end'], headers.get('cache-control')]).toEqual([end, 'no-cache']);
    },
  );

  test('are continued while the list is the same, though the profiles changed', async () => {
    const ids = idsOf(5);
    await cacheList('tiktok', ids);
    const first = await api.get('/api/v1/kols?platform=tiktok&limit=3');
    await writeEntries(redis, [
      profileList.toEntry(
        'tiktok',
        ids.map((id) => profileOf(id, 1000)),
      ),
    ]);
    const second = await api.get(
      `/api/v1/kols?platform=tiktok&limit=3&cursor=${first.json['next'] as string}`,
    );
    expect([...idsIn(first), ...idsIn(second)]).toEqual(ids);
  });

  test.each([
    ['another KOL comes', (ids: readonly string[]) => ['new', ...ids]],
    ['two KOLs change places', ([a = '', b = '', ...rest]: readonly string[]) => [b, a, ...rest]],
    ['a KOL goes', ([, ...rest]: readonly string[]) => rest],
  ])('are not continued when %s: 410', async (_, change) => {
    const ids = idsOf(5);
    await cacheList('tiktok', ids);
    const { json } = await api.get('/api/v1/kols?platform=tiktok&limit=3');
    await cacheList('tiktok', change(ids));
    const gone = await api.get(`/api/v1/kols?platform=tiktok&limit=3&cursor=${json['next'] as string}`);
    expect([gone.status, gone.json['type']]).toEqual([410, 'urn:kol-cache:problem:list-changed']);
  });

  test('of an unknown platform are 404', async () => {
    expect((await api.get('/api/v1/kols?platform=myspace')).status).toBe(404);
  });

  test('that are cached as something else are read again', async () => {
    await redis.set(profileList.key('tiktok'), '{}', 'EX', 100);
    const read = await api.get('/api/v1/kols?platform=tiktok&limit=1');
    expect([cacheStatus(read), items(read)]).toEqual([STORED, [expect.anything()]]);
  });
});

describe('ids', () => {
  test.each(['platform=tiktok', 'sort=followers', 'limit=3', 'cursor=0123456789abcdef-3'])(
    'do not go with %s',
    async (parameter) => {
      const { status, json } = await api.get(`/api/v1/kols?ids=a&${parameter}`);
      expect(status).toBe(400);
      expect(json['invalid']).toMatchObject([{ parameter: parameter.split('=')[0] }]);
    },
  );
});

describe('the content of a KOL', () => {
  test('is read from the lakehouse on a miss, then from Redis, newest first', async () => {
    const [kolId = ''] = await queryColumn(
      TRINO_URL,
      `SELECT kol_id AS id FROM ${CONTENT} GROUP BY kol_id HAVING count(*) BETWEEN 3 AND 50 ORDER BY count(*) DESC, kol_id LIMIT 1`,
    );
    const expected = await queryColumn(
      TRINO_URL,
      `SELECT content_id AS id FROM ${CONTENT} WHERE kol_id = '${kolId}' ORDER BY posted_at DESC, content_id DESC`,
    );
    const path = `/api/v1/kols/${encodeURIComponent(kolId)}/content`;
    const [miss, hit] = [await api.get(path), await api.get(path)];
    expect([cacheStatus(miss), cacheStatus(hit)]).toEqual([STORED, expect.stringMatching(/; hit; /)]);
    expect(hit.text).toBe(miss.text);
    expect(items(miss).map((item) => item['content_id'])).toEqual(expected);
    expect(await redis.ttl(kolContent.key(kolId))).toBeGreaterThan(890);
    const two = await api.get(`${path}?limit=2&fields=content_id`);
    expect(items(two)).toEqual(expected.slice(0, 2).map((content_id) => ({ content_id })));
  });

  test('of several KOLs is one query, for any number of concurrent requests', async () => {
    const kolIds = await queryColumn(
      TRINO_URL,
      `SELECT DISTINCT kol_id AS id FROM ${CONTENT} ORDER BY 1 LIMIT 100`,
    );
    const since = new Date();
    const answers = await Promise.all(
      kolIds.map((id) => api.get(`/api/v1/kols/${encodeURIComponent(id)}/content`)),
    );
    const most = mostBatches(since);
    expect(answers.map(({ json }) => json['kol_id'])).toEqual(kolIds);
    const queries = await queryTrino(
      TRINO_URL,
      `SELECT 1 FROM system.runtime.queries WHERE "user" = '${API_TRINO_USER}' AND query LIKE '%PARTITION BY CAST("kol_id"%'
       AND created >= from_iso8601_timestamp('${since.toISOString()}') AND query NOT LIKE '%system.runtime%'`,
    );
    expect(queries.length).toBeGreaterThan(0);
    expect(queries.length).toBeLessThanOrEqual(most);
  });

  test('is an empty list for a KOL without content, and 404 for one that does not exist', async () => {
    const [quiet = ''] = await queryColumn(
      TRINO_URL,
      `SELECT kol_id AS id FROM iceberg.kol_silver.kol_profiles WHERE kol_id NOT IN (SELECT kol_id FROM ${CONTENT} WHERE kol_id IS NOT NULL) LIMIT 1`,
    );
    const read = await api.get(`/api/v1/kols/${encodeURIComponent(quiet)}/content`);
    expect([read.status, items(read)]).toEqual([200, []]);
    expect((await api.get('/api/v1/kols/no-such-kol/content')).status).toBe(404);
  });

  test('has its times in RFC 3339', async () => {
    await writeEntries(redis, [
      kolContent.toEntry('zoe', [{ ...contentOf('1', 5), posted_at: '2026-01-01 02:00:00+02' }]),
    ]);
    const read = await api.get('/api/v1/kols/zoe/content');
    expect(items(read)).toMatchObject([{ content_id: '1', posted_at: '2026-01-01T00:00:00.000Z' }]);
  });
});

describe('the statistics of a day', () => {
  test('are counts over the content of that day, from the lakehouse on a miss, then from Redis', async () => {
    const [[day, content, views]] = (await queryTrino(
      TRINO_URL,
      `SELECT substr(posted_at, 1, 10), count(*), sum(views) FROM ${CONTENT} WHERE posted_at IS NOT NULL
       GROUP BY 1 ORDER BY 1 LIMIT 1`,
    )) as [[string, number, number]];
    const path = `/api/v1/stats/daily/${day}`;
    const [miss, hit] = [await api.get(path), await api.get(path)];
    expect([cacheStatus(miss), cacheStatus(hit)]).toEqual([STORED, expect.stringMatching(/; hit; /)]);
    expect(hit.text).toBe(miss.text);
    expect(miss.json).toMatchObject({ date: day, content, views });
    const byPlatform = Object.values(miss.json['by_platform'] as Record<string, number>);
    expect(byPlatform.reduce((sum, items) => sum + items, 0)).toBe(content);
    expect(await redis.hget(`stats:daily:${day}`, 'content')).toBe(String(content));
  });

  test.each(['1999-12-31', '2999-01-01'])('are 404 for %s', async (day) => {
    expect((await api.get(`/api/v1/stats/daily/${day}`)).status).toBe(404);
  });

  test.each(['2026-02-30', '2026-13-01', '26-01-01', '2026-01-01T00:00:00Z', '1969-12-31'])(
    'are refused for %s, which is no day of the calendar that can have content',
    async (day) => {
      const { status, json } = await api.get(`/api/v1/stats/daily/${day}`);
      expect([status, json['invalid']]).toMatchObject([400, [{ parameter: 'date', given: day }]]);
    },
  );
});
