import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createCacheAdmin } from '../../../cache/admin/cache-admin.ts';
import { createCacheReader } from '../../../cache/reading/cache-reader.ts';
import { rankingSource } from '../../../cache/reading/entity-sources.ts';
import { NotCachedError } from '../../../cache/reading/not-cached.ts';
import { createReadThrough } from '../../../cache/reading/read-through.ts';
import { deleteUnlessStreamed } from '../../../cache/writing/delete-entries.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { TrinoUnavailableError } from '../../../clients/lakehouse/trino-errors.ts';
import type { MlApi } from '../../../clients/ml-api.ts';
import { readRedisTime } from '../../../clients/redis.ts';
import { content } from '../../../domain/entities/content.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { ranking } from '../../../domain/entities/ranking.ts';
import { contentOf, NOW, profileEntries, profileOf } from '../../support/cache-values.ts';
import { keysWithoutTtl } from '../../support/redis.ts';
import { describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { startLocalReader, type LocalReader } from '../../support/local-reader.ts';
import { until } from '../../support/until.ts';

const KEY = profile.key('kol-7');
/** A lower number never refreshes early, a higher one always does within 18 s of the end: the first load counts as 500 ms. */
const NEVER = 0;
const ALWAYS = 1 - 2 ** -53;

describeOnRedisAndCluster('a value that', (target) => {
  const readers: LocalReader[] = [];
  const random = vi.spyOn(Math, 'random');
  beforeEach(() => random.mockReturnValue(NEVER));
  afterEach(async () => {
    random.mockReset();
    await Promise.all(readers.splice(0).map((reader) => reader.close()));
  });
  /** A value that is read now, after every earlier removal. */
  const write = (followers: number) =>
    writeEntries(target.redis, profileEntries(['kol-7'], followers, new Date(Date.now() + 1)));

  /** A source whose queries wait for `release`. Then they return this many followers, nothing for null, or fail. */
  function source(followers: number | null | Error) {
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const queries: (readonly string[])[] = [];
    const load = async (ids: readonly string[]) => {
      queries.push(ids);
      await released;
      if (followers instanceof Error) throw followers;
      return followers === null ? [] : ids.map((id) => profileOf(id, followers));
    };
    return { load, queries, release: () => release() };
  }
  async function start(options: Parameters<typeof startLocalReader>[1]): Promise<LocalReader> {
    const reader = await startLocalReader(target.url, options);
    readers.push(reader);
    return reader;
  }

  describe('is read shortly before it expires', () => {
    const expiresSoon = () => target.redis.pexpire(KEY, 10_000);
    const isRefreshed = async () =>
      (await target.redis.hget(KEY, 'followers_count')) === '9' && (await target.redis.ttl(KEY)) > 60;

    test('is refreshed by one query of one process, while all readers get the cached value', async () => {
      const { load, queries, release } = source(9);
      const two = [await start({ load }), await start({ load })];
      await write(7);
      await expiresSoon();
      for (const { readLocally } of two) await readLocally('kol-7');
      random.mockReturnValue(ALWAYS);
      const readAll = () => Promise.all(two.map(({ read }) => read('kol-7')));
      for (let round = 0; round < 20; round += 1)
        expect(await readAll()).toEqual([
          ['local-hit', 7],
          ['local-hit', 7],
        ]);
      await until('one queries', () => Promise.resolve(queries.length > 0));
      expect(await readAll()).toEqual([
        ['local-hit', 7],
        ['local-hit', 7],
      ]);
      release();
      await until('it is refreshed', isRefreshed);
      for (const { read } of two) await until('it shows', async () => (await read('kol-7'))[1] === 9);
      expect(queries).toEqual([['kol-7']]);
      expect(two.flatMap(({ problems }) => problems)).toEqual([]);
      expect(await keysWithoutTtl(target.redis)).toEqual([]);
    });

    test('is refreshed also by reads that an answer in L1 serves, and by hits in Redis', async () => {
      const { load, release } = source(9);
      release();
      const { tier, read, readLocally } = await start({ load });
      await write(7);
      await expiresSoon();
      await readLocally('kol-7');
      random.mockReturnValue(ALWAYS);
      tier.get(KEY)?.onRead();
      await until('it is refreshed', isRefreshed);

      await write(7);
      await expiresSoon();
      const fromRedis = await start({ load, ttlSeconds: 0.001 });
      expect(await fromRedis.read('kol-7')).toEqual(['hit', 7]);
      await until('it is refreshed', isRefreshed);
      expect(await read('kol-7')).toEqual(['hit', 9]);
    });

    test('is served when the refresh fails, which is not tried again with each read', async () => {
      const { load, queries, release } = source(new TrinoUnavailableError('Trino is away'));
      release();
      const { read, problems } = await start({ load });
      await write(7);
      await expiresSoon();
      random.mockReturnValue(ALWAYS);
      for (let reads = 0; reads < 50; reads += 1) expect((await read('kol-7'))[1]).toBe(7);
      await until('it is reported', () => Promise.resolve(problems.length > 0));
      expect(problems).toMatchObject([{ step: 'refresh' }]);
      expect(queries).toHaveLength(1);
    });

    test('is not replaced when another writer was faster', async () => {
      const { load, queries, release } = source(9);
      const { read } = await start({ load });
      await write(7);
      await expiresSoon();
      random.mockReturnValue(ALWAYS);
      await read('kol-7');
      await until('it queries', () => Promise.resolve(queries.length > 0));
      const later = new Date(Date.now() + 1000);
      await writeEntries(target.redis, profileEntries(['kol-7'], 8, later));
      release();
      await until(
        'the refresh ends',
        async () => (await target.redis.exists(`cache:lock:{${KEY}}:fill`)) === 0,
      );
      expect(await target.redis.hget(KEY, 'followers_count')).toBe('8');
    });

    test('is not refreshed when an event wrote it, because the lakehouse is older', async () => {
      const queries: string[] = [];
      const lakehouse = { contentById: (ids: string[]) => Promise.resolve(queries.push(...ids) && []) };
      const reader = createCacheReader({
        redis: target.redis,
        lakehouse: lakehouse as unknown as Lakehouse,
        mlApi: {} as MlApi,
        listSize: 1,
        maxShrinkPercent: 50,
        now: () => NOW,
        onProblem: () => {},
        onRejected: () => {},
      });
      const ids = ['of-an-event', 'of-a-row'];
      await writeEntries(
        target.redis,
        ids.map((id) => content.toEntry(id, contentOf(id, 5), NOW.toISOString())),
      );
      await target.redis.hset(content.key('of-an-event'), 'event_time_ms', '1');
      for (const id of ids) await target.redis.pexpire(content.key(id), 10_000);
      random.mockReturnValue(ALWAYS);
      for (const id of ids) expect((await reader.content(id)).outcome).toBe('hit');
      await until('the row is read', () => Promise.resolve(queries.length > 0));
      expect(queries).toEqual(['of-a-row']);
    });

    test('is replaced as a whole when it is a set', async () => {
      const id = { kind: 'followers', platform: 'all', limit: 100 } as const;
      const key = ranking.key('followers', 'all', 100);
      const { read } = createReadThrough(
        {
          ...rankingSource({} as Lakehouse, {}),
          load: () => Promise.resolve([{ kol_id: 'new', score: 2 }]),
        },
        { redis: target.redis, now: () => NOW, onProblem: () => {} },
      );
      await writeEntries(target.redis, [
        ranking.toEntry('followers', 'all', 100, [{ kol_id: 'old', score: 1 }]),
      ]);
      await target.redis.pexpire(key, 10_000);
      random.mockReturnValue(ALWAYS);
      expect(await read(id)).toMatchObject({ outcome: 'hit', value: [{ kol_id: 'old' }] });
      await until('it is replaced', async () => (await target.redis.zrange(key, 0, '-1')).join() === 'new');
    });
  });

  describe('has expired', () => {
    /** Leaves a value in L1 whose key has expired in Redis. */
    const expire = ({ tier, read }: LocalReader) => {
      const earlier = tier.stale(KEY);
      return until('it is stale', async () => {
        await write(7);
        await target.redis.pexpire(KEY, 300);
        await Promise.race([read('kol-7').catch(() => {}), sleep(200)]);
        await sleep(350);
        const stale = tier.stale(KEY);
        return stale !== undefined && stale !== earlier && (await target.redis.exists(KEY)) === 0;
      });
    };
    const away = new TrinoUnavailableError('Trino is away');
    const isGone = async ({ read }: LocalReader) =>
      (await Promise.allSettled([read('kol-7')]))[0].status === 'rejected';

    test('is kept as fresh no longer than Redis keeps it', async () => {
      const { tier, read, readLocally } = await start({});
      await write(7);
      await readLocally('kol-7'); // changes are tracked, so the next read is kept
      await target.redis.pexpire(KEY, 1500);
      await until('it is kept with this TTL', async () => {
        await read('kol-7');
        const { expiresAt = Infinity } = tier.get(KEY) ?? {};
        return expiresAt - performance.now() <= 1500;
      });
      await until('it is gone', async () => (await read('kol-7'))[0] !== 'local-hit');
    });

    test('is served while one query refreshes it', async () => {
      const { load, queries, release } = source(9);
      const reader = await start({ load });
      await expire(reader);
      queries.length = 0;
      for (let reads = 0; reads < 20; reads += 1) expect(await reader.read('kol-7')).toEqual(['stale', 7]);
      await until('one queries', () => Promise.resolve(queries.length > 0));
      release();
      await until('it is refreshed', async () => (await reader.read('kol-7'))[1] === 9);
      expect(queries).toEqual([['kol-7']]);
    });

    test('is sent only to clients that accept it, while a client that demands a fresh value waits for the query', async () => {
      const { load, queries, release } = source(9);
      const reader = await start({ load });
      await expire(reader);
      await sleep(700); // the end of its TTL is a second ago
      queries.length = 0;
      const any = { noCache: false, onlyIfCached: false, mayRefresh: () => Promise.resolve(true) };
      const cachedOnly = (maxStale?: number) => ({ controls: { ...any, onlyIfCached: true, maxStale } });
      await expect(reader.read('kol-7', cachedOnly())).rejects.toThrow(NotCachedError);
      expect(await reader.read('kol-7', cachedOnly(60))).toEqual(['stale', 7]);
      expect(queries).toEqual([]);
      const controls = { ...any, maxAge: 60 };
      const plain = reader.read('kol-7');
      const demanding = reader.read('kol-7', { controls });
      expect(await plain).toEqual(['stale', 7]);
      release();
      expect(await demanding).toEqual(['miss', 9]);
      expect(queries).toEqual([['kol-7']]);
    });

    test('is served for a bounded time while the lakehouse fails', async () => {
      const { load, queries, release } = source(away);
      release();
      const reader = await start({ load, staleSeconds: 5 });
      await expire(reader);
      queries.length = 0;
      for (let reads = 0; reads < 20; reads += 1) expect(await reader.read('kol-7')).toEqual(['stale', 7]);
      expect(queries.length).toBeLessThan(2);
      await until('it is gone', () => isGone(reader));
      await expect(reader.read('kol-7')).rejects.toThrow('not available now');
    });

    test('is not served when the lakehouse no longer has it', async () => {
      const { load, release } = source(null);
      release();
      const reader = await start({ load });
      await expire(reader);
      await until('it is missing', async () => (await reader.read('kol-7'))[1] === undefined);
      expect(reader.tier.stale(KEY)).toBeUndefined();
    });

    test.each([
      [
        'a warm has removed it',
        async () => deleteUnlessStreamed(target.redis, [KEY], await readRedisTime(target.redis)),
      ],
      ['an operator has deleted it', () => createCacheAdmin(target.redis).invalidate(['profile'], ['kol-7'])],
      [
        'an operator has deleted its kind',
        () => createCacheAdmin(target.redis).invalidate(['profile'], undefined),
      ],
      ['the KOL was erased', () => createCacheAdmin(target.redis).eraseKol('kol-7')],
    ])('is not served when %s', async (_, remove) => {
      const { load, release } = source(away);
      release();
      const [late, early] = [await start({ load }), await start({ load })];
      await expire(late);
      await remove();
      await expect(late.read('kol-7')).rejects.toThrow('not available now');
      // A value that was in Redis then.
      await write(7);
      await early.readLocally('kol-7');
      await remove();
      await until('it is gone', () => isGone(early));
      // Values of later reads may be served. A value that was read just after the removal need not be: a busy process reads its clock late.
      await until('a later value is served', async () => {
        await expire(late);
        return String(await late.read('kol-7').catch(() => '')) === 'stale,7';
      });
    });
  });
});
