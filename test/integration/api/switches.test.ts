import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { switches } from '../../../domain/entities/switches.ts';
import { apiConfig, cacheStatus, TOKEN, useRedis, withToken, type RunningApi } from '../../support/api.ts';
import { startSeparateApi } from '../../support/api-process.ts';
import { profileEntries } from '../../support/cache-values.ts';
import { startRelay } from '../../support/relay.ts';
import { until } from '../../support/until.ts';

const SWITCHES = '/api/v1/cache/switches';
const KNOWN = '/api/v1/kols/known';
const DEFAULTS = { l1: true, l1_ttl_seconds: 60, early_refresh: true, read_through: true };

const settings = { API_TOKEN: TOKEN, API_L1_MEGABYTES: '8', API_L1_TTL_SECONDS: '60' };
const redis = await useRedis();
// Two processes. One reaches Redis over a relay.
const address = new URL(apiConfig().REDIS_URL);
let relay = await startRelay(address.host);
const relayed = `redis://127.0.0.1:${relay.port}${address.pathname}`;
const [api, other] = await Promise.all([
  startSeparateApi(settings),
  startSeparateApi({ ...settings, REDIS_URL: relayed }),
]);
afterAll(async () => {
  await Promise.all([api.close(), other.close()]);
  await relay.close();
});

const change = (body: object, headers: Readonly<Record<string, string>> = withToken) =>
  api.send('PATCH', SWITCHES, body, headers);
const switchesOf = async (each: RunningApi) => (await each.get(SWITCHES, withToken)).json;
const inForce = (expected: object) =>
  until('the switches are in force in both processes', async () => {
    const states = await Promise.all([api, other].map(switchesOf));
    return states.every((state) => isDeepStrictEqual(state, { ...DEFAULTS, ...expected }));
  });
const isLocal = async (each: RunningApi) =>
  (cacheStatus(await each.get(KNOWN)) ?? '').startsWith('kol-l1; hit');
const problemOf = async (answer: ReturnType<RunningApi['get']>) => {
  const { status, json, headers } = await answer;
  return [status, json['type'], headers.get('retry-after')];
};

beforeEach(async () => {
  await writeEntries(redis, profileEntries(['known']));
  await inForce({});
});

test('need the token, and accept only existing switches', async () => {
  expect((await api.get(SWITCHES)).status).toBe(401);
  expect((await change({ l1: false }, {})).status).toBe(401);
  for (const body of [{ l1: 'off' }, { l1_ttl_seconds: -1 }, { l1_ttl_seconds: 1e6 }, { unknown: true }])
    expect((await change(body)).status).toBe(400);
  expect(await redis.exists(switches.key)).toBe(0);
});

test('change in all processes, one by one, and are shown by the status', async () => {
  expect((await change({ early_refresh: false })).json).toEqual({ ...DEFAULTS, early_refresh: false });
  expect((await change({ l1_ttl_seconds: 5 })).json).toEqual({
    ...DEFAULTS,
    early_refresh: false,
    l1_ttl_seconds: 5,
  });
  await inForce({ early_refresh: false, l1_ttl_seconds: 5 });
  expect((await other.get('/api/v1/cache/status', withToken)).json['switches']).toMatchObject({
    early_refresh: false,
    l1_ttl_seconds: 5,
  });
  await change({ early_refresh: true, l1_ttl_seconds: 0 });
  await inForce({});
});

test('l1 off answers from Redis, also for values that L1 kept', async () => {
  for (const each of [api, other]) await until('it is local', () => isLocal(each));
  await change({ l1: false });
  await inForce({ l1: false });
  for (const each of [api, other])
    for (let reads = 0; reads < 3; reads += 1) expect(await isLocal(each)).toBe(false);
  await change({ l1: true });
  for (const each of [api, other]) await until('it is local again', () => isLocal(each));
});

test('l1_ttl_seconds bounds how long a value is kept', async () => {
  await change({ l1_ttl_seconds: 1 });
  await inForce({ l1_ttl_seconds: 1 });
  await until('it is local', () => isLocal(other));
  await until('it is read from Redis again', async () => !(await isLocal(other)));
});

test('read_through off answers only with cached values', async () => {
  await change({ read_through: false });
  await inForce({ read_through: false });
  const off = [503, 'urn:kol-cache:problem:read-through-off', '5'];
  for (const each of [api, other]) {
    expect((await each.get(KNOWN, { 'cache-control': 'no-cache', ...withToken })).status).toBe(200);
    for (const path of ['/api/v1/kols/not-cached', '/api/v1/stats', '/api/v1/kols/top?platform=tiktok'])
      expect(await problemOf(each.get(path))).toEqual(off);
    const several = await each.get('/api/v1/kols?ids=known,not-cached');
    expect([several.status, several.json]).toMatchObject([200, { unavailable: [{ id: 'not-cached' }] }]);
  }
  await change({ read_through: true });
  await inForce({});
  expect((await other.get('/api/v1/kols/not-cached')).status).toBe(404);
});

test('stay as they are while Redis is away, and follow it when it is back', async () => {
  await change({ read_through: false });
  await inForce({ read_through: false });
  const { port } = relay;
  await relay.close();
  await until('Redis is away', async () => (await other.get('/readyz')).json['status'] === 'degraded');
  expect(await switchesOf(other)).toEqual({ ...DEFAULTS, read_through: false });
  expect((await problemOf(other.get('/api/v1/kols/never-read')))[0]).toBe(503);
  const refused = await other.send('PATCH', SWITCHES, { read_through: true }, withToken);
  expect([refused.status, refused.json['type']]).toEqual([503, 'urn:kol-cache:problem:cache-unavailable']);
  await change({ read_through: true });
  relay = await startRelay(address.host, port);
  await inForce({});
});
