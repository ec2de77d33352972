import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createApp, type AppDependencies } from '../../../api/app.ts';
import { fakeDependencies } from './fake-dependencies.ts';

type Line = Readonly<Record<string, unknown>>;

let server: Server | undefined;
let lines: Line[];
beforeEach(() => {
  lines = [];
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Serves the API with these dependencies, and collects its log in `lines`. */
async function serve(replaced: Partial<AppDependencies> = {}): Promise<string> {
  const log = pino(
    { level: 'debug', base: null, timestamp: false },
    { write: (text: string) => void lines.push(JSON.parse(text) as Line) },
  );
  server = createServer(createApp(fakeDependencies({ log, ...replaced }))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const profile = { value: { kol_id: 'zoe' }, outcome: 'hit', ttlSeconds: 60, collapsed: false };
const reader = { ...fakeDependencies().reader, profile: () => Promise.resolve(profile as never) };
const requestLines = () => lines.filter(({ msg }) => msg === 'request');

describe('the request id', () => {
  test.each(['mine-1', 'A.b_c-9', 'x'.repeat(64)])('%s of the client is used', async (id) => {
    const url = await serve();
    const response = await fetch(`${url}/nothing`, { headers: { 'x-request-id': id } });
    expect(response.headers.get('x-request-id')).toBe(id);
    expect(await response.json()).toMatchObject({ instance: `urn:kol-cache:request:${id}` });
    expect(requestLines()).toMatchObject([{ request_id: id }]);
  });

  test.each([undefined, '', 'not safe; at all', 'x'.repeat(65), 'ö'])(
    'is a new UUID when the client sends %o',
    async (id) => {
      const url = await serve();
      const response = await fetch(`${url}/`, id === undefined ? {} : { headers: { 'x-request-id': id } });
      const answered = response.headers.get('x-request-id');
      expect(answered).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(requestLines()).toMatchObject([{ request_id: answered }]);
    },
  );
});

describe('the request log', () => {
  test('has one line per request, without headers, bodies or tokens', async () => {
    const url = await serve({ reader, token: 's3cret' });
    await fetch(`${url}/api/v1/kols/zoe`, { headers: { authorization: 'Bearer s3cret', cookie: 's3cret' } });
    await fetch(`${url}/api/v1/warms`, {
      method: 'POST',
      headers: { authorization: 'Bearer wrong-s3cret', 'content-type': 'application/json' },
      body: '{"parts": ["body-s3cret"]}',
    });
    expect(lines).toEqual([
      {
        level: 30,
        request_id: expect.any(String) as string,
        method: 'GET',
        url: '/api/v1/kols/zoe',
        status: 200,
        cache: 'kol-redis; hit; ttl=60',
        duration_ms: expect.any(Number) as number,
        msg: 'request',
      },
      {
        level: 30,
        request_id: expect.any(String) as string,
        method: 'POST',
        url: '/api/v1/warms',
        status: 401,
        duration_ms: expect.any(Number) as number,
        msg: 'request',
      },
    ]);
    for (const { duration_ms } of lines) expect(duration_ms).toBeGreaterThanOrEqual(0);
    for (const { duration_ms } of lines) expect(duration_ms).toBeLessThan(5000);
    expect(JSON.stringify(lines)).not.toContain('s3cret');
  });

  test('names neither the KOL of an erasure nor the search of a user, whether they have the token or not', async () => {
    const cacheAdmin = { ...fakeDependencies().cacheAdmin, eraseKol: () => Promise.resolve({}) as never };
    const url = await serve({ cacheAdmin, token: 'a-token-of-the-test' });
    const headers = { authorization: 'Bearer a-token-of-the-test' };
    await fetch(`${url}/api/v1/kols/jane`, { method: 'DELETE', headers });
    await fetch(`${url}/api/v1/kols/jane`, { method: 'DELETE' });
    await fetch(`${url}/api/v1/search?q=jane&user_id=42`);
    expect(requestLines()).toMatchObject([
      { method: 'DELETE', url: '/api/v1/kols/:id', status: 200 },
      { method: 'DELETE', url: '/api/v1/kols/:id', status: 401 },
      { method: 'GET', url: '/api/v1/search', status: 401 },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/jane|user_id/);
  });

  test('has health checks at debug level only', async () => {
    const readiness = () => Promise.resolve({ status: 'unavailable', parts: {} } as const);
    const url = await serve({ readiness });
    for (const path of ['/livez', '/healthz', '/readyz']) await fetch(url + path);
    expect(lines).toMatchObject([
      { level: 20, url: '/livez', status: 200 },
      { level: 20, url: '/healthz', status: 200 },
      { level: 20, url: '/readyz', status: 503 },
    ]);
  });

  test('marks a request whose client disconnects before the answer', async () => {
    const client = new AbortController();
    const url = await serve({
      reader: {
        ...reader,
        profile: async () => {
          client.abort();
          await vi.waitFor(() => expect(requestLines()).toHaveLength(1));
          return profile as never;
        },
      },
    });
    await expect(fetch(`${url}/api/v1/kols/zoe`, { signal: client.signal })).rejects.toThrow();
    await vi.waitFor(() =>
      expect(requestLines()).toMatchObject([{ url: '/api/v1/kols/zoe', aborted: true }]),
    );
  });

  test('has the reason of a failure under the request id, and the answer does not', async () => {
    const failure = new Error('inner reason');
    const url = await serve({ reader: { ...reader, profile: () => Promise.reject(failure) } });
    const response = await fetch(`${url}/api/v1/kols/zoe`, { headers: { 'x-request-id': 'mine-1' } });
    const body = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(body)).toMatchObject({
      title: 'Internal error',
      type: 'urn:kol-cache:problem:internal-error',
    });
    expect(body).not.toContain('inner reason');
    expect(lines).toMatchObject([
      { level: 50, request_id: 'mine-1', problem: 'internal-error', msg: 'answered with a problem' },
      { level: 30, request_id: 'mine-1', status: 500, msg: 'request' },
    ]);
  });
});

test.each(['/', '/healthz', '/api/v1/kols/zoe', '/api/v1/kols/top?limit=0', '/nothing'])(
  '%s has the security headers of a JSON API',
  async (path) => {
    const url = await serve({ reader });
    const { headers } = await fetch(url + path);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(headers.get('x-powered-by')).toBeNull();
  },
);

describe('an erasure that outlives its request', () => {
  const TOKEN = 'token-of-this-test';
  /** Sends an erasure, and ends it when the client has its 504. */
  async function eraseLate(end: () => Promise<never>): Promise<void> {
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const url = await serve({
      cacheAdmin: { ...fakeDependencies().cacheAdmin, eraseKol: () => released.then(end) },
      token: TOKEN,
      deadlineSeconds: 0.1,
    });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`${url}/api/v1/kols/zoe`, { method: 'DELETE', headers });
    expect(response.status).toBe(504);
    lines = [];
    release();
  }
  const logged = () => lines.map(({ level, msg, removed }) => ({ level, msg, removed }));

  test('logs its failure', async () => {
    await eraseLate(() => Promise.reject(new Error('Redis is gone')));
    const failed = { level: 40, msg: 'the work of a request failed after the request had ended' };
    await vi.waitFor(() => expect(logged()).toEqual([failed]));
  });

  test('logs its success, and no failure to answer', async () => {
    await eraseLate(() => Promise.resolve({ profile: 1, ranking: 2 } as never));
    await vi.waitFor(() => expect(logged()).toHaveLength(1));
    await new Promise(setImmediate);
    expect(logged()).toEqual([{ level: 30, msg: 'erased', removed: 3 }]);
  });
});

test('the last page of a list is sent before the deadline although the statistics hang', async () => {
  const url = await serve({
    reader: {
      ...{ ...reader, waitSeconds: 0.1 },
      profileList: () => Promise.resolve({ ...profile, value: [{ kol_id: 'zoe' }] } as never),
      platformStats: () => new Promise(() => {}),
    },
    deadlineSeconds: 1.5,
  });
  const response = await fetch(`${url}/api/v1/kols?platform=tiktok`);
  expect(await response.json()).toMatchObject({ items: [{ kol_id: 'zoe' }], next: null });
});

test('a request without an answer at the deadline gets a problem, and its work is cancelled', async () => {
  let work: AbortSignal | undefined;
  const url = await serve({
    reader: {
      ...reader,
      profile: (_, caller) => {
        work = caller?.client?.signal;
        return new Promise(() => {});
      },
    },
    deadlineSeconds: 0.1,
  });
  const response = await fetch(`${url}/api/v1/kols/zoe`);
  expect([
    response.status,
    response.headers.get('retry-after'),
    response.headers.get('cache-control'),
  ]).toEqual([504, '5', 'no-store']);
  expect(await response.json()).toMatchObject({ type: 'urn:kol-cache:problem:deadline-exceeded' });
  expect(work?.aborted).toBe(true);
});
