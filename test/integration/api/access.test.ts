import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { promisify } from 'node:util';
import express from 'express';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHttpServer, listen } from '../../../api/create-http-server.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { profile } from '../../../domain/entities/profile.ts';
import {
  apiConfig,
  cacheStatus,
  startApi,
  UNREACHABLE_ADDRESS,
  useRedis,
  type RunningApi,
} from '../../support/api.ts';
import { profileEntries } from '../../support/cache-values.ts';
import { queryColumn } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

const LIMIT = 100;
const PATH = '/api/v1/kols/known';

const redis = await useRedis();
const running: RunningApi[] = [];
beforeEach(() => writeEntries(redis, profileEntries(['known'])));
afterEach(async () => {
  await Promise.all(running.splice(0).map((api) => api.close()));
});

async function start(more: Readonly<Record<string, string>>): Promise<RunningApi> {
  const api = await startApi(more);
  running.push(api);
  return api;
}

/** Sends requests one after the other. @returns how many were accepted before the first 429, at most `most` */
async function acceptedBy(
  apis: readonly RunningApi[],
  most: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  for (let sent = 0; sent < most; sent += 1) {
    const answer = await apis[sent % apis.length]?.get(PATH, headers);
    if (answer?.status === 429) return sent;
  }
  return most;
}

describe('the limit of requests', () => {
  const limited = { API_RATE_LIMIT: String(LIMIT) };

  test('holds for a client over all processes, and says when to come back', async () => {
    const apis = [await start(limited), await start(limited)];
    const accepted = await acceptedBy(apis, 2 * LIMIT);
    expect(accepted).toBeGreaterThanOrEqual(0.95 * LIMIT);
    expect(accepted).toBeLessThanOrEqual(LIMIT);
    const refused = await apis[0]?.get(PATH);
    expect(refused).toMatchObject({
      status: 429,
      json: { type: 'urn:kol-cache:problem:too-many-requests' },
    });
    const wait = Number(refused?.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60);
    expect((await apis[0]?.get('/healthz'))?.status).toBe(200);
  });

  test.each<Record<string, string>>([
    { 'if-none-match': '*' },
    { 'if-none-match': '"other", *' },
    { 'if-none-match': '', 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
    { 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
  ])('counts the answer to %o, which any answer matches', async (condition) => {
    for (const megabytes of ['0', '8']) {
      await redis.del('api:rate:127.0.0.1');
      const api = await start({ ...limited, API_L1_MEGABYTES: megabytes });
      if (megabytes !== '0')
        await until('L1 answers', async () =>
          Boolean((await api.get(PATH)).headers.get('cache-status')?.startsWith('kol-l1')),
        );
      expect(await acceptedBy([api], 2 * LIMIT, condition)).toBeLessThanOrEqual(LIMIT);
    }
  });

  test('counts a 304 that was read from the lakehouse', async () => {
    const sql = 'SELECT kol_id AS id FROM iceberg.kol_silver.kol_profiles LIMIT 1';
    const [id = ''] = await queryColumn(apiConfig().TRINO_URL, sql);
    const path = `/api/v1/kols/${encodeURIComponent(id)}`;
    const api = await start({ API_RATE_LIMIT: '2' });
    const etag = (await api.get(path)).headers.get('etag') ?? '';
    await redis.del(profile.key(id));
    const read = await api.get(path, { 'if-none-match': etag });
    expect([read.status, cacheStatus(read)]).toEqual([304, 'kol-redis; fwd=uri-miss; stored']);
    expect((await api.get(path)).status).toBe(429);
  });

  test('does not count a 304 to a client that names the ETag', async () => {
    const api = await start(limited);
    const etag = (await api.get(PATH)).headers.get('etag') ?? '';
    expect(await acceptedBy([api], 2 * LIMIT, { 'if-none-match': etag })).toBe(2 * LIMIT);
  });

  test('holds in each process while Redis is away', async () => {
    const api = await start({
      ...limited,
      REDIS_URL: `redis://${UNREACHABLE_ADDRESS}`,
      TRINO_URL: `http://${UNREACHABLE_ADDRESS}`,
    });
    expect(await acceptedBy([api], 2 * LIMIT)).toBe(LIMIT);
  });

  test('is per client behind a trusted proxy only', async () => {
    const from = (client: string) => ({ 'x-forwarded-for': client });
    const trusting = await start({ API_RATE_LIMIT: '1', API_TRUST_PROXY: 'loopback' });
    expect(await acceptedBy([trusting], 2, from('192.0.2.1'))).toBe(1);
    expect(await acceptedBy([trusting], 2, from('192.0.2.2'))).toBe(1);
    await redis.flushdb();
    const direct = await start({ API_RATE_LIMIT: '1' });
    expect(await acceptedBy([direct], 2, from('192.0.2.3'))).toBe(1);
    expect(await acceptedBy([direct], 2, from('192.0.2.4'))).toBe(0);
  });
});

describe('web pages of other origins', () => {
  const app = { origin: 'https://app.example.com' };
  const headersOf = async (api: RunningApi, init: RequestInit) =>
    (await fetch(`${api.url}${PATH}`, init)).headers;

  test('may not read answers by default', async () => {
    const headers = await headersOf(await start({}), { headers: app });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('may when the configuration names their origin', async () => {
    const api = await start({ API_CORS_ORIGINS: 'https://app.example.com' });
    const headers = await headersOf(api, { headers: app });
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(headers.get('access-control-expose-headers')).toContain('Cache-Status');
    expect(headers.get('vary')).toContain('Origin');
    const other = await headersOf(api, { headers: { origin: 'https://evil.example.com' } });
    expect(other.get('access-control-allow-origin')).toBeNull();
    const preflight = await headersOf(api, {
      method: 'OPTIONS',
      headers: { ...app, 'access-control-request-method': 'GET' },
    });
    expect(preflight.get('access-control-allow-methods')).toBe('GET,HEAD,POST,PATCH,DELETE');
  });
});

describe('a connection', () => {
  test('is kept longer than a load balancer keeps it, and its headers may take longer than that', () => {
    const server = createHttpServer(express());
    expect(server.keepAliveTimeout).toBeGreaterThan(60_000);
    expect(server.headersTimeout).toBeGreaterThan(server.keepAliveTimeout);
    expect(server.requestTimeout).toBeGreaterThanOrEqual(server.headersTimeout);
  });

  describe('of a slow client', () => {
    const body = Buffer.alloc(32 * 1024 ** 2);
    const app = express().get('/large', (_request, response) => void response.end(body));
    app.post('/', express.json(), (_request, response) => void response.end());
    const server = createHttpServer(app, {
      limits: { headers: 0.3, request: 0.4, idle: 0.5, check: 0.05 },
    });
    const sockets: Socket[] = [];
    const send = async (text: string) => {
      const port = server.listening
        ? (server.address() as AddressInfo).port
        : (await listen(server, 0, '127.0.0.1')).port;
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => {}).write(text);
      return socket;
    };
    const openConnections = () => promisify(server.getConnections.bind(server))();
    afterAll(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });

    test.each([
      ['headers', 'GET / HTTP/1.1\r\nHost: api\r\n'],
      [
        'a body',
        'POST / HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
      ],
    ])('that does not end %s gets 408, and is closed', async (_, text) => {
      const socket = await send(text);
      const [data] = (await once(socket, 'data')) as [Buffer];
      expect(data.toString()).toMatch(/^HTTP\/1.1 408 /);
      await until('it is closed', async () => (await openConnections()) === 0);
    });

    test('that does not read its answer is closed', async () => {
      const socket = await send('GET /large HTTP/1.1\r\nHost: api\r\n\r\n');
      socket.pause();
      await until('it is open', async () => (await openConnections()) === 1);
      await until('it is closed', async () => (await openConnections()) === 0);
      expect(socket.bytesRead).toBeLessThan(body.length);
    });

    test('that reads its answer a little at a time is closed', async () => {
      const socket = await send('GET /large HTTP/1.1\r\nHost: api\r\n\r\n');
      socket.on('data', () => {
        socket.pause();
        setTimeout(() => socket.resume(), 10);
      });
      await until('it is open', async () => (await openConnections()) === 1);
      await until('it is closed', async () => (await openConnections()) === 0);
      expect(socket.bytesRead).toBeGreaterThan(0);
      expect(socket.bytesRead).toBeLessThan(body.length);
    });
  });

  test('with a path of more than 16 KiB gets 431', async () => {
    const { hostname, port } = new URL((await start({})).url);
    const socket = connect(Number(port), hostname);
    socket.write(`GET /api/v1/kols/${'x'.repeat(17 * 1024)} HTTP/1.1\r\nHost: api\r\n\r\n`);
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1.1 431 /);
    socket.destroy();
  });
});
