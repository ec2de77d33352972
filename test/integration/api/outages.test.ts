import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leaseKey } from '../../../cache/reading/leases.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { content } from '../../../domain/entities/content.ts';
import { filteredIds, knownIds } from '../../../domain/entities/known-ids.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { createBloomFilter } from '../../../domain/values/bloom-filter.ts';
import { contentOf, NOW, profileEntries } from '../../support/cache-values.ts';
import {
  apiConfig,
  cacheStatus,
  startApi,
  TOKEN,
  UNREACHABLE_ADDRESS,
  useRedis,
  type RunningApi,
} from '../../support/api.ts';
import { startRelay } from '../../support/relay.ts';
import { queryColumn } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

const LOCAL = { API_L1_MEGABYTES: '8', API_L1_TTL_SECONDS: '60' };
const BYPASS = 'kol-redis; fwd=bypass; detail=redis-unavailable';
const TOP = '/api/v1/kols/top?limit=1';

const redis = await useRedis();

interface Ranking {
  readonly items: readonly { readonly kol_id: string; readonly profile?: unknown }[];
}
const firstOf = ({ json }: { json: unknown }) => (json as Ranking).items[0];

describe('while Redis is down', () => {
  let api: RunningApi;
  beforeAll(async () => {
    api = await startApi({ REDIS_URL: `redis://${UNREACHABLE_ADDRESS}` });
  });
  afterAll(() => api.close());

  test('reads are served from the lakehouse, with fwd=bypass in Cache-Status', async () => {
    const top = await api.get(`${TOP}&expand=profile`);
    expect([top.status, cacheStatus(top), firstOf(top)?.profile]).toEqual([200, BYPASS, null]);
    const profile = await api.get(`/api/v1/kols/${encodeURIComponent(firstOf(top)?.kol_id ?? '')}`);
    expect([profile.status, cacheStatus(profile)]).toEqual([200, BYPASS]);
    expect(cacheStatus(await api.get('/api/v1/stats'))).toBe(BYPASS);
    expect(cacheStatus(await api.get('/api/v1/content/trending'))).toBe(BYPASS);
  });

  test('unknown ids are 404, and the negative result is cached in memory', async () => {
    const answers = [await api.get('/api/v1/kols/nobody'), await api.get('/api/v1/kols/nobody')];
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    expect(answers.map(cacheStatus)).toEqual([BYPASS, 'kol-redis; hit; detail=negative']);
  });

  test('the API is degraded but alive', async () => {
    const { status, json } = await api.get('/readyz');
    expect([status, json['status']]).toEqual([200, 'degraded']);
    expect(json['parts']).toMatchObject({ redis: { state: 'down' }, trino: { state: 'up' } });
    expect((await api.get('/healthz')).json).toEqual({ status: 'alive' });
  });
});

describe('while Redis hangs', () => {
  test('a read bypasses it when a command has no answer in time', async () => {
    const api = await startApi();
    await redis.client('PAUSE', 3000, 'ALL');
    const read = await api.get(TOP);
    expect([read.status, cacheStatus(read)]).toEqual([200, BYPASS]);
    await redis.ping(); // answered when the pause is over
    // Redis answers again, so the read is cached.
    expect(cacheStatus(await api.get(TOP))).toBe('kol-redis; fwd=uri-miss; stored');
    await api.close();
  });
});

describe('while Redis rejects writes', () => {
  test('a read is served from the lakehouse and not stored', async () => {
    const api = await startApi();
    await redis.config('SET', 'min-replicas-to-write', '1');
    try {
      const read = await api.get(TOP);
      expect([read.status, cacheStatus(read)]).toEqual([200, 'kol-redis; fwd=uri-miss']);
      const { kol_id = '' } = firstOf(read) ?? {};
      expect(cacheStatus(await api.get(`/api/v1/kols/${encodeURIComponent(kol_id)}`))).toBe(
        'kol-redis; fwd=uri-miss',
      );
    } finally {
      await redis.config('SET', 'min-replicas-to-write', '0');
      await api.close();
    }
  });
});

test('while Redis is down, L1 answers the values that it has, and the lakehouse the rest', async () => {
  const { REDIS_URL, TRINO_URL } = apiConfig();
  const { host, pathname } = new URL(REDIS_URL);
  const relay = await startRelay(host);
  const api = await startApi({ REDIS_URL: `redis://127.0.0.1:${relay.port}${pathname}`, ...LOCAL });
  await writeEntries(redis, profileEntries(['kol-7'], 7));
  const isLocal = async () => cacheStatus(await api.get('/api/v1/kols/kol-7'))?.startsWith('kol-l1') ?? false;
  await until('it is local', isLocal);
  const sql = 'SELECT kol_id AS id FROM iceberg.kol_silver.kol_profiles LIMIT 50';
  const rest = await queryColumn(TRINO_URL, sql);
  await relay.close();
  const ids = rest.flatMap((id, index) => ['kol-7', encodeURIComponent(id), `nobody-${index}`]);
  const answers = await Promise.all(ids.map((id) => api.get(`/api/v1/kols/${id}`)));
  expect(answers.map(({ status }) => status)).toEqual(rest.flatMap(() => [200, 200, 404]));
  expect(answers.filter((answer) => cacheStatus(answer)?.startsWith('kol-l1; hit'))).toHaveLength(
    rest.length,
  );
  await api.close();
});

test('while Trino is gone, a value that has expired is served as stale, with its true age', async () => {
  const api = await startApi({ TRINO_URL: `http://${UNREACHABLE_ADDRESS}`, ...LOCAL });
  const path = '/api/v1/kols/kol-7';
  let stale = await api.get(path);
  expect(stale.status).toBe(503);
  await until('an answer is stale', async () => {
    await writeEntries(redis, profileEntries(['kol-7'], 7));
    await redis.pexpire(profile.key('kol-7'), 1000);
    await api.get(path);
    await sleep(2000);
    stale = await api.get(path);
    return stale.status === 200;
  });
  expect(cacheStatus(stale)).toMatch(/^kol-l1; hit; ttl=-\d+$/);
  const age = Number(stale.headers.get('age'));
  expect(age).toBeGreaterThan(profile.ttlSeconds);
  expect(stale.headers.get('cache-control')).toMatch(`max-age=${age},`);
  expect(stale.json['followers_count']).toBe(7);
  const several = await api.get('/api/v1/kols?ids=kol-7');
  expect([cacheStatus(several), Number(several.headers.get('age')) >= age]).toEqual([
    'kol-redis; hit; detail="1 stale"',
    true,
  ]);
  await api.close();
});

/** A server that accepts requests and never answers. */
async function startSilentServer(): Promise<{ address: string; close: () => Promise<unknown> }> {
  const server = createServer(() => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      return once(server.close(), 'close');
    },
  };
}

describe('while Trino hangs, an answer comes before the deadline', () => {
  const UNAVAILABLE = 'urn:kol-cache:problem:lakehouse-unavailable';
  let trino: Awaited<ReturnType<typeof startSilentServer>>;
  beforeAll(async () => {
    trino = await startSilentServer();
  });
  afterAll(() => trino.close());
  const startHanging = (deadlineSeconds: number) =>
    startApi({ TRINO_URL: trino.address, API_DEADLINE_SECONDS: String(deadlineSeconds) });

  test.concurrent('also for what is not cached of a platform, which is a 503', async () => {
    const api = await startHanging(12);
    const paths = ['kols/top?platform=tiktok', 'kols?platform=tiktok', 'content/trending?platform=tiktok'];
    const answers = await Promise.all(paths.map((path) => api.get(`/api/v1/${path}`)));
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    await api.close();
  });

  test.concurrent('also if another process, whose query hangs too, has the lease', async () => {
    const [first, second] = [await startHanging(12), await startHanging(12)];
    await writeEntries(redis, profileEntries(['cached'], 7));
    const single = first.get('/api/v1/kols/gone');
    await until('it has the lease', async () => (await redis.exists(leaseKey(profile.key('gone')))) === 1);
    const several = await second.get('/api/v1/kols?ids=gone,cached');
    expect([several.status, several.json]).toMatchObject([
      200,
      { items: [{ kol_id: 'cached' }], unavailable: [{ id: 'gone', type: UNAVAILABLE }] },
    ]);
    expect((await single).json['type']).toBe(UNAVAILABLE);
    await Promise.all([first.close(), second.close()]);
  });

  test('also if the version of the known ids has to be read first', async () => {
    const api = await startHanging(6);
    const { name } = filteredIds.profiles;
    const empty = Buffer.from(createBloomFilter(1)).toString('base64');
    await writeEntries(redis, [knownIds.toEntry(name, 'any version', empty, 1, NOW)]);
    expect((await api.get('/api/v1/kols/gone')).json['type']).toBe(UNAVAILABLE);
    await api.close();
  });
});

/** What answers at the address of Trino: nothing, or a proxy that cannot reach it. */
describe.each(['nothing', 'a proxy that answers 502', 'a login page', 'a server that does not answer'])(
  'with %s at the address of Trino',
  (what) => {
    let api: RunningApi;
    let server: Server | undefined;
    beforeAll(async () => {
      let address = UNREACHABLE_ADDRESS;
      if (what !== 'nothing') {
        server = createServer((_request, response) => {
          if (what === 'a server that does not answer') return;
          response.statusCode = what === 'a login page' ? 200 : 502;
          response.end('<html><body>Please log in</body></html>');
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      }
      api = await startApi({
        ...{ TRINO_URL: `http://${address}`, TRINO_PASSWORD: 'tr1no-s3cret' },
        ...{ API_DEADLINE_SECONDS: '6', API_TOKEN: TOKEN },
      });
    });
    afterAll(async () => {
      server?.closeAllConnections();
      await api.close();
      server?.close();
    });

    test('a request with no-cache gets the cached value', async () => {
      await writeEntries(redis, profileEntries(['cached'], 7));
      const { status, json } = await api.get('/api/v1/kols/cached', {
        ...{ 'cache-control': 'no-cache', authorization: `Bearer ${TOKEN}` },
      });
      expect([status, json['followers_count']]).toEqual([200, 7]);
    });

    test('cached data is served', async () => {
      await writeEntries(redis, profileEntries(['cached'], 7));
      const { status, json } = await api.get('/api/v1/kols/cached');
      expect([status, json['followers_count']]).toEqual([200, 7]);
      expect((await api.get('/readyz')).json).toMatchObject({
        status: 'degraded',
        parts: { trino: { state: 'down' } },
      });
    });

    // At the same time: each of them waits for a query that hangs.
    test('what is not cached is 503 with Retry-After and shows no internal details', async () => {
      const notCached = ['kols/not-cached', 'kols/not-scored/score', 'kols/top', 'content/trending', 'stats'];
      const answers = await Promise.all(notCached.map((path) => api.get(`/api/v1/${path}`)));
      for (const { status, json, headers, text } of answers) {
        expect([status, json['type']]).toEqual([503, 'urn:kol-cache:problem:lakehouse-unavailable']);
        expect([headers.get('retry-after'), headers.get('etag')]).toEqual(['5', null]);
        expect(headers.get('content-type')).toContain('application/problem+json');
        expect(text).not.toMatch(/127\.0\.0\.1|ECONN|SELECT|s3cret|log in| at .*\.ts/);
      }
    });

    test('several ids are a partial answer that names those that could not be read', async () => {
      await writeEntries(redis, profileEntries(['cached'], 7));
      const [{ status, json }, withoutCached] = await Promise.all([
        api.get('/api/v1/kols?ids=gone,cached'),
        api.get('/api/v1/kols?ids=also-gone,gone-too'),
      ]);
      expect([status, json]).toEqual([
        200,
        {
          items: [expect.objectContaining({ kol_id: 'cached', followers_count: 7 })],
          missing: [],
          unavailable: [{ id: 'gone', type: 'urn:kol-cache:problem:lakehouse-unavailable' }],
        },
      ]);
      expect(withoutCached.status).toBe(503);
    });

    test('trending content is listed, with null for details that are not cached', async () => {
      await redis.rpush('content:trending:all:50', 'a', 'b');
      await redis.expire('content:trending:all:50', 100);
      await writeEntries(redis, [content.toEntry('b', contentOf('b', 3), NOW.toISOString())]);
      const { status, json } = await api.get('/api/v1/content/trending?expand=content');
      expect(status).toBe(200);
      expect(json['items']).toMatchObject([
        { content_id: 'a', content: null },
        { content_id: 'b', content: { views: 3 } },
      ]);
    });
  },
);

test('while Redis and Trino are down the API is unavailable but alive', async () => {
  const api = await startApi({
    REDIS_URL: `redis://${UNREACHABLE_ADDRESS}`,
    TRINO_URL: `http://${UNREACHABLE_ADDRESS}`,
  });
  const ready = await api.get('/readyz');
  expect([ready.status, ready.json['status']]).toEqual([503, 'unavailable']);
  expect((await api.get('/healthz')).status).toBe(200);
  expect((await api.get(TOP)).status).toBe(503);
  await api.close();
});
