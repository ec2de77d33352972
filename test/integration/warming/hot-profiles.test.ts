import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createReadCounter } from '../../../cache/popularity/read-counter.ts';
import { measureRoom, selectHotProfiles } from '../../../cache/popularity/select-hot-profiles.ts';
import { addReads, readKnownReads } from '../../../cache/popularity/read-counts.ts';
import { createTrino } from '../../../clients/lakehouse/trino.ts';
import { closeRedis, connectRedis, type RedisClient } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { hourlyReads, recentReads, START_MEMBER } from '../../../domain/entities/read-counts.ts';
import { READ_HALF_LIFE_SECONDS } from '../../../domain/warming/hot-profiles.ts';
import { UNREACHABLE_ADDRESS, startApi } from '../../support/api.ts';
import { testConfig } from '../../support/dependencies.ts';
import { keysWithoutTtl } from '../../support/redis.ts';

const config = testConfig(10);
const { key, maxMembers: most } = recentReads;
let redis: RedisClient;

beforeAll(async () => {
  redis = await connectRedis(config.REDIS_URL, 'work', { onError: () => {} });
});
beforeEach(() => redis.flushdb());
afterAll(async () => {
  await redis.flushdb();
  await closeRedis(redis);
});

/** Simulates the passing of time: everything counted so far becomes this much older. */
async function ageCounts(halfLives: number): Promise<void> {
  const start = Number(await redis.zscore(key, START_MEMBER));
  await redis.zadd(key, start + halfLives * READ_HALF_LIFE_SECONDS, START_MEMBER);
}

const recentlyRead = async () => (await readKnownReads(redis, new Date())).recent;

/** Reads by id, to two digits. */
const reads = async () =>
  Object.fromEntries((await recentlyRead()).map(({ id, reads: count }) => [id, +count.toFixed(2)]));

const readEach = (ids: readonly string[], count: number) => new Map(ids.map((id) => [id, count]));

async function cache(id: string, ttlSeconds: number): Promise<void> {
  const unknown = Object.fromEntries(Object.keys(profile.columns).map((field) => [field, '']));
  const cached_at = new Date().toISOString();
  await redis.hset(`kol:profile:${id}`, { ...unknown, kol_id: id, followers_count: '5', cached_at });
  await redis.expire(`kol:profile:${id}`, ttlSeconds);
}

describe('the count of reads', () => {
  test('adds up reads, lists the most read first, and expires', async () => {
    await addReads(redis, new Map([['a', 1], ['b', 5]])); // prettier-ignore
    await addReads(redis, new Map([['a', 2]]));
    expect((await recentlyRead()).map(({ id }) => id)).toEqual(['b', 'a']);
    expect(await reads()).toEqual({ a: 3, b: 5 });
    expect(await keysWithoutTtl(redis)).toEqual([]);
    expect(await redis.ttl(key)).toBeGreaterThan(6 * 86_400);
  });

  test('halves with every half-life, and reading the counts does not change them', async () => {
    await addReads(redis, new Map([['early', 8]]));
    await ageCounts(2);
    await addReads(redis, new Map([['late', 3]]));
    await Promise.all([reads(), reads()]);
    expect(await reads()).toEqual({ late: 3, early: 2 });
  });

  test('continues after more half-lives than a number can represent', async () => {
    await addReads(redis, new Map([['long ago', 1000]]));
    await ageCounts(900);
    await addReads(redis, new Map([['now', 1]]));
    await ageCounts(900);
    await addReads(redis, new Map([['now', 1]]));
    expect(await reads()).toEqual({ now: 1, 'long ago': 0 });
  });

  test('keeps the most read when there are too many', async () => {
    const many = Array.from({ length: most + 500 }, (_, index) => `kol-${index}`);
    await addReads(redis, readEach(many.slice(0, 700), 2));
    await addReads(redis, readEach(many.slice(700), 1));
    const { recent: kept, hourly } = await readKnownReads(redis, new Date());
    expect(kept.length).toBe(most);
    expect(Math.max(...hourly.map(({ counted }) => counted.length))).toBe(hourlyReads.maxMembers);
    expect(kept.filter(({ reads: count }) => count > 1.5).length).toBe(700);
  });

  test('keeps the reads of each hour of the day apart', async () => {
    const now = new Date('2026-11-28T09:30:00Z');
    for (const time of ['2026-11-26T09:30:00Z', '2026-11-27T09:30:00Z', '2026-11-27T21:10:00Z'])
      await addReads(redis, new Map([[time.slice(11, 13), 8]]), () =>
        Promise.resolve(Date.parse(time) / 1000),
      );
    const { hourly } = await readKnownReads(redis, now);
    const countedAt = (hour: number) =>
      hourly[hour]?.counted.map(({ id, reads: count }) => [id, +count.toFixed(2)]);
    expect(countedAt(9)).toEqual([['09', +(8 * (2 ** (-1 / 3) + 2 ** (-2 / 3))).toFixed(2)]]);
    expect(countedAt(21)?.map(([id]) => id)).toEqual(['21']);
    expect(countedAt(10)).toEqual([]);
    expect(hourly[10]?.hours).toBe(0);
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });

  test('is empty before anything is counted', async () => {
    expect(await recentlyRead()).toEqual([]);
  });
});

describe('the choice of hot profiles', () => {
  const choose = (room: number) => selectHotProfiles(redis, { room, warmEverySeconds: 900 }, new Date());

  test('has room for the profiles that fit into the configured share of Redis memory', async () => {
    const limit = Number(/^maxmemory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
    expect(limit).toBeGreaterThan(0);
    expect(await measureRoom(redis, { memoryPercent: 25 })).toMatchObject({
      bytesPerProfile: 1000,
      room: Math.floor(limit / 4 / 1000),
    });
  });

  test('measures how much memory a profile takes', async () => {
    const used = async () => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
    await redis.set('another', 'x'.repeat(10_000), 'EX', 100);
    await measureRoom(redis, { memoryPercent: 25 }); // creates the client buffers, so that they are not measured
    const before = await used();
    const count = 20_000;
    const pipeline = redis.pipeline();
    for (let index = 0; index < count; index += 1)
      pipeline
        .hset(`kol:profile:somebody-${index}`, { kol_id: `somebody-${index}`, bio: 'b'.repeat(200) })
        .expire(`kol:profile:somebody-${index}`, 3600);
    await pipeline.exec();
    const { bytesPerProfile } = await measureRoom(redis, { memoryPercent: 25 });
    const each = ((await used()) - before) / count;
    expect(bytesPerProfile / each).toBeGreaterThan(0.85);
    expect(bytesPerProfile / each).toBeLessThan(1.15);
  });

  test('takes the most read profiles, up to the configured number', async () => {
    await addReads(redis, new Map([['a', 2], ['b', 5], ['c', 3]])); // prettier-ignore
    expect(await choose(2)).toMatchObject({ mostRead: ['b', 'c'] });
    expect(await choose(9)).toMatchObject({ mostRead: ['b', 'c', 'a'] });
  });

  test('refreshes profiles beyond the room that are still read and about to expire', async () => {
    await addReads(redis, readEach(['first', 'expiring', 'fresh', 'not cached'], 50));
    await addReads(redis, new Map([['first', 50], ['seldom', 1]])); // prettier-ignore
    await cache('first', 100);
    await cache('expiring', 600);
    await cache('fresh', 3600);
    await cache('seldom', 100);
    expect(await choose(1)).toMatchObject({ mostRead: ['first'], refresh: ['expiring'] });
    await redis.expire('kol:profile:fresh', 899);
    expect([...(await choose(1)).refresh].sort()).toEqual(['expiring', 'fresh']);
  });

  test('fails when Redis does not answer, so that unknown reads are not taken for no reads', async () => {
    const away = await connectRedis(`redis://${UNREACHABLE_ADDRESS}`, 'serve', {
      onError: () => {},
      waitSeconds: 0.1,
    });
    const choice = selectHotProfiles(away, { room: 1, warmEverySeconds: 900 }, new Date());
    await expect(choice).rejects.toThrow();
    away.disconnect();
  });
});

describe('the API', () => {
  const path = (id: string) => `/api/v1/kols/${encodeURIComponent(id)}`;

  test('counts reads of profiles that it found, cache hits and misses, and writes the counts before it closes', async () => {
    const trino = createTrino({ url: config.TRINO_URL, user: 'test', queryTimeoutSeconds: 30 });
    const [[uncached = null] = []] = await trino.rows(
      'SELECT min(kol_id) AS id FROM iceberg.kol_silver.kol_profiles',
      { columns: ['id'] },
    );
    if (uncached === null) throw new Error('no KOL');
    await cache('cached', 100);
    const api = await startApi({ REDIS_URL: config.REDIS_URL });
    const statuses = [];
    for (const id of ['cached', 'cached', uncached, 'nobody'])
      statuses.push((await api.get(path(id))).status);
    await Promise.all(Array.from({ length: 5 }, () => api.get(path(uncached))));
    await api.get(`${path('cached')}?unknown=1`); // 400
    await api.close();
    expect(statuses).toEqual([200, 200, 200, 404]);
    expect(await reads()).toEqual({ cached: 2, [uncached]: 6 });
  });
});

describe('the read counter', () => {
  test('is bounded: ids that do not fit before the next flush are not counted', async () => {
    const counter = createReadCounter(redis, () => {}, { maxIds: 3 });
    // Synchronously, so that the flush of the first three ids has not finished.
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'd']) counter.count(id);
    await counter.close();
    expect(await reads()).toEqual({ a: 1, b: 1, c: 1, d: 2, e: 1, f: 1 });
  });

  test('drops counts while Redis is unavailable, reports that once, and closes', async () => {
    const away = await connectRedis(`redis://${UNREACHABLE_ADDRESS}`, 'serve', {
      onError: () => {},
      waitSeconds: 0.1,
    });
    const errors: unknown[] = [];
    const counter = createReadCounter(away, (error) => errors.push(error), { maxIds: 1 });
    for (const id of ['a', 'b', 'c']) {
      counter.count(id); // full, so it is flushed immediately
      await new Promise(setImmediate);
    }
    await counter.close();
    expect(errors.length).toBe(1);
    away.disconnect();
  });

  test('flushes periodically', async () => {
    const counter = createReadCounter(redis, () => {}, { flushMs: 5 });
    counter.count('a');
    await expect.poll(reads).toEqual({ a: 1 });
    await counter.close();
  });
});
