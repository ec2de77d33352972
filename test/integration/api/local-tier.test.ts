import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readKnownReads } from '../../../cache/popularity/read-counts.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis, type RedisClient } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { cacheStatus, startApi, UNREACHABLE_ADDRESS, type RunningApi } from '../../support/api.ts';
import { startSeparateApi } from '../../support/api-process.ts';
import { idsOf, profileEntries } from '../../support/cache-values.ts';
import { comparableAnswer } from '../../support/comparable-answer.ts';
import { untilCompressed } from '../../support/until-compressed.ts';
import { startLocalReader, type LocalReader } from '../../support/local-reader.ts';
import { startRelay } from '../../support/relay.ts';
import { connectTo, describeOnRedisAndCluster, type RedisTarget } from '../../support/redis-targets.ts';
import { startSingleRedis } from '../../support/redis-cluster.ts';
import { until } from '../../support/until.ts';

const keyOf = profile.key;
/** Ids that are spread over all masters of a cluster. */
const ids = idsOf(12);
const write = (redis: RedisClient, ids: readonly string[], followers: number) =>
  writeEntries(redis, profileEntries(ids, followers));

describeOnRedisAndCluster('the local tier', (target: RedisTarget) => {
  const readers: LocalReader[] = [];
  const start = async (options?: Parameters<typeof startLocalReader>[1]) => {
    const reader = await startLocalReader(target.url, options);
    readers.push(reader);
    return reader;
  };
  afterEach(() => Promise.all(readers.splice(0).map((reader) => reader.close())));
  test.each(['default', 'broadcast'] as const)(
    'shows each write in all processes, in the mode %s',
    async (mode) => {
      const all = [await start({ mode }), await start({ mode })];
      for (const followers of [7, 8, 9]) {
        await write(target.redis, ids, followers);
        for (const { read, readLocally } of all)
          for (const id of ids) {
            await until('the write shows', async () => (await read(id))[1] === followers);
            await readLocally(id);
            expect(await read(id)).toEqual(['local-hit', followers]);
          }
      }
      expect(all.flatMap(({ problems }) => problems)).toEqual([]);
    },
  );

  test.each([
    ['DEL', (id: string) => target.redis.del(keyOf(id))],
    ['UNLINK', (id: string) => target.redis.unlink(keyOf(id))],
    ['the end of its TTL', (id: string) => target.redis.pexpire(keyOf(id), 1)],
    ['FLUSHALL', () => Promise.all(target.masters.map(({ redis }) => redis.flushall()))],
  ])('drops a value after %s', async (_, remove) => {
    const { read, readLocally } = await start();
    await write(target.redis, ['kol-7'], 7);
    await readLocally('kol-7');
    await remove('kol-7');
    await until('the source is read', async () => (await read('kol-7'))[1] === 1);
  });

  test('drops what it reads when an invalidation or a reconnect overtakes the reply', async () => {
    const { tier, readLocally } = await start();
    await write(target.redis, ['kol-7'], 7);
    await readLocally('kol-7');
    const times = { readAt: 0, expiresAt: Infinity };
    const kept = { value: 'old', updatedAt: undefined, bytes: 1, ...times, onRead: () => {} };
    const overtakenBy = (event: () => void): boolean => {
      const read = tier.beginRead(['a', 'b']);
      event();
      read?.keep('a', kept);
      read?.end();
      return tier.get('a') === undefined;
    };
    expect(overtakenBy(() => tier.invalidate('b'))).toBe(false);
    expect(overtakenBy(() => tier.invalidate('a'))).toBe(true);
    expect(overtakenBy(() => tier.dropReads())).toBe(true);
    expect(overtakenBy(() => tier.clear())).toBe(true);
  });

  test.each(['the reads', 'the invalidations'])(
    'is emptied and used again when the connection of %s is killed',
    async (which) => {
      const { read, readLocally } = await start();
      await write(target.redis, ids, 7);
      for (const id of ids) await readLocally(id);
      for (const { redis } of target.masters) {
        const clients = String(await redis.client('LIST'))
          .trim()
          .split('\n');
        const isTracked = (line: string) => / flags=\S*t/.test(line);
        const redirect = /redir=(\d+)/.exec(clients.find(isTracked) ?? '')?.[1];
        const victim = clients.find((line) =>
          which === 'the reads' ? isTracked(line) : line.startsWith(`id=${redirect} `),
        );
        const [, id = ''] = /^id=(\d+)/.exec(victim ?? '') ?? [];
        await redis.client('KILL', 'ID', id);
      }
      await write(target.redis, ids, 8);
      for (const id of ids) {
        await until('the write shows', async () => (await read(id))[1] === 8);
        await readLocally(id);
      }
    },
  );

  test.each([
    ['to track', 'client|tracking'],
    ['to name its server', 'info'],
  ])('takes nothing while Redis refuses %s, and starts when it agrees', async (_, command) => {
    const acl = (...rule: string[]) =>
      Promise.all(target.masters.map(({ redis }) => redis.acl('SETUSER', 'default', ...rule)));
    await acl(`-${command}`);
    try {
      const { read, readLocally, problems } = await start();
      await write(target.redis, ['kol-7'], 7);
      for (let reads = 0; reads < 5; reads += 1) expect(await read('kol-7')).toEqual(['hit', 7]);
      await until('it is reported', () => Promise.resolve(problems.length > 0));
      await acl(`+${command}`);
      await readLocally('kol-7');
    } finally {
      await acl(`+${command}`);
    }
  });

  test('is bounded in bytes', async () => {
    const { tier, read, readLocally } = await start({ maxBytes: 100_000 });
    const many = idsOf(200, 'many-');
    await write(target.redis, many, 7);
    await readLocally('many-0');
    for (const id of many) await read(id);
    const kept = many.flatMap((id) => tier.get(keyOf(id)) ?? []);
    expect(kept.length).toBeGreaterThan(5);
    expect(kept.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(100_000);
  });
});

describe('the API with a local tier', () => {
  let servers: Awaited<ReturnType<typeof startSingleRedis>>;
  let redis: RedisClient;
  const apis: RunningApi[] = [];
  beforeAll(async () => {
    servers = await startSingleRedis();
    redis = await connectTo(servers.url);
  });
  afterEach(async () => {
    await Promise.all(apis.splice(0).map((api) => api.close()));
    await redis.flushall();
  });
  afterAll(async () => {
    await closeRedis(redis);
    await servers.stop();
  });
  const start = async (more: Readonly<Record<string, string>> = {}, startOne = startApi) => {
    const api = await startOne({
      REDIS_URL: servers.url,
      TRINO_URL: `http://${UNREACHABLE_ADDRESS}`,
      API_L1_MEGABYTES: '8',
      API_L1_TTL_SECONDS: '600',
      ...more,
    });
    apis.push(api);
    return api;
  };
  const path = (id: string) => `/api/v1/kols/${id}`;
  const isLocal = async (api: RunningApi, url: string) =>
    (cacheStatus(await api.get(url)) ?? '').startsWith('kol-l1; hit');
  /** Reads until the answer of this URL is kept: the first read keeps the value, the second the answer. */
  const makeReady = (api: RunningApi, url: string) => until(`${url} is local`, () => isLocal(api, url));

  test('shows a write in every process, in both modes', async () => {
    const modes = ['default', 'broadcast'];
    const two = await Promise.all(modes.map((mode) => start({ API_L1_MODE: mode }, startSeparateApi)));
    for (const followers of [7, 8, 9]) {
      await write(redis, ['kol-7'], followers);
      for (const api of two) {
        const shows = async () => (await api.get(path('kol-7'))).json['followers_count'] === followers;
        await until('the write shows', shows);
        await makeReady(api, path('kol-7'));
      }
    }
    // t: Redis tracks the reads of a client. B: in the broadcast mode.
    const flags = [...String(await redis.client('LIST')).matchAll(/ flags=(\w*t\w*)/g)].map(
      ([, text]) => text,
    );
    expect(flags.map((text) => text?.includes('B')).sort()).toEqual([false, true]);
  });

  test('answers before Express as Express does', async () => {
    const api = await start();
    await write(redis, ids, 7);
    await redis.zadd('kol:top:followers:all:100', ...idsOf(100).flatMap((id, index) => [index, id]));
    await redis.expire('kol:top:followers:all:100', 900);
    const urls = [path('kol-7'), '/api/v1/kols/top', '/api/v1/kols/top?limit=100&platform=all'];
    const etags: string[] = ['"other"', '*'];
    for (const url of urls) {
      await makeReady(api, url);
      if (url !== path('kol-7')) await untilCompressed(api, url);
      for (const encoding of ['gzip', 'br', 'identity']) {
        const answer = await api.get(url, { 'accept-encoding': encoding });
        etags.push(answer.headers.get('etag') ?? '');
      }
    }
    const encodings = ['gzip', 'br', 'gzip, br', 'br;q=0.1, gzip', 'identity', '*', 'deflate', 'br;q=0'];
    const dates = ['Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 01 Jan 2100 00:00:00 GMT', 'yesterday'];
    const headersOf = fc.record(
      {
        'accept-encoding': fc.constantFrom(...encodings),
        'if-none-match': fc.oneof(
          fc.constantFrom(...etags),
          fc.array(fc.constantFrom(...etags), { minLength: 2, maxLength: 3 }).map((list) => list.join(', ')),
        ),
        'if-modified-since': fc.constantFrom(...dates),
        'cache-control': fc.constantFrom('no-transform', 'no-store', 'max-stale=5'),
        'x-request-id': fc.constantFrom('mine', 'not safe; at all'),
      },
      { requiredKeys: ['cache-control'] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...urls),
        fc.constantFrom('GET', 'HEAD'),
        headersOf,
        async (url, method, headers) => {
          const early = await comparableAnswer(api.url + url, { method, headers });
          // Express checks what a client demands
          const demand = { ...headers, 'cache-control': 'max-age=999999999' };
          const express = await comparableAnswer(api.url + url, { method, headers: demand });
          expect(early).toEqual(express);
          expect(early.headers['cache-status']).toMatch(/^kol-lN; hit; ttl=N$/);
        },
      ),
      { numRuns: 100 },
    );
    // no answer is kept under a URL that was not read yet
    const plain = { headers: { 'accept-encoding': 'identity' } };
    for (const url of urls)
      expect(await comparableAnswer(api.url + url, plain)).toEqual(
        await comparableAnswer(`${api.url}${url}${url.includes('?') ? '' : '?'}&`, plain),
      );
  });

  test('counts and limits the reads that it answers before Express', async () => {
    const api = await start({ API_RATE_LIMIT: '100' });
    await write(redis, ['kol-7'], 7);
    await makeReady(api, path('kol-7'));
    const { headers } = await api.get(path('kol-7'));
    const conditional = { 'if-none-match': headers.get('etag') ?? '' };
    for (let read = 0; read < 150; read += 1)
      expect((await api.get(path('kol-7'), conditional)).status).toBe(304);
    let accepted = 0;
    while (accepted < 200 && (await api.get(path('kol-7'))).status === 200) accepted += 1;
    expect(accepted).toBeGreaterThan(80);
    expect(accepted).toBeLessThan(100);
    await api.close();
    apis.splice(0);
    const [counted] = (await readKnownReads(redis, new Date())).recent;
    expect(counted?.id).toBe('kol-7');
    expect(counted?.reads).toBeGreaterThan(accepted + 150);
  });

  test('builds no kept answer from several values', async () => {
    const api = await start();
    await write(redis, ids, 7);
    await redis.zadd('kol:top:followers:all:100', 9, 'kol-7');
    await redis.expire('kol:top:followers:all:100', 900);
    const url = '/api/v1/kols/top?expand=profile';
    const followers = async () =>
      ((await api.get(url)).json as { items: { profile: { followers_count: number } }[] }).items[0]?.profile
        .followers_count;
    await makeReady(api, url);
    expect(await followers()).toBe(7);
    await write(redis, ['kol-7'], 8);
    await until('the write shows', async () => (await followers()) === 8);
    expect((await api.get(`/api/v1/kols?ids=${ids.join(',')}`)).json['items']).toHaveLength(ids.length);
    await until('several ids are local', () => isLocal(api, `/api/v1/kols?ids=${ids.join(',')}`));
  });

  test('keeps no answers when answers differ by origin', async () => {
    const api = await start({ API_CORS_ORIGINS: 'https://app.example.com' });
    await write(redis, ['kol-7'], 7);
    await makeReady(api, path('kol-7'));
    const { headers } = await api.get(path('kol-7'), { origin: 'https://app.example.com' });
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(headers.get('vary')).toBe('Origin, Accept-Encoding');
  });

  test('answers without Redis until its TTL', async () => {
    const relay = await startRelay(new URL(servers.url).host);
    const api = await start({ REDIS_URL: `redis://127.0.0.1:${relay.port}`, API_L1_TTL_SECONDS: '5' });
    await write(redis, ['kol-7'], 7);
    await makeReady(api, path('kol-7'));
    await relay.close();
    expect(await isLocal(api, path('kol-7'))).toBe(true);
    await until('it is gone', async () => (await api.get(path('kol-7'))).status === 503);
  });
});
