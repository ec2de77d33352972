import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tableSource } from '../../../cache/reading/entity-sources.ts';
import { createLeases, leaseKey } from '../../../cache/reading/leases.ts';
import { createReadThrough } from '../../../cache/reading/read-through.ts';
import { closeRedis, type RedisClient } from '../../../clients/redis.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { NOW, profileOf } from '../../support/cache-values.ts';
import { allKeys, keysWithoutTtl } from '../../support/redis.ts';
import { connectTo, describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { until } from '../../support/until.ts';

const KEY = profile.key('kol-7');

describeOnRedisAndCluster('concurrent misses of one key in several processes', (target) => {
  let redis: RedisClient;
  beforeAll(async () => {
    redis = await connectTo(target.url, 'serve');
  });
  afterAll(() => closeRedis(redis));

  /** Three processes that read one source. Its queries end with `release`. */
  function processes(load: (id: string) => Profile | null) {
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const queries: string[] = [];
    const start = () => {
      const source = {
        ...tableSource(profile, () => Promise.resolve([])),
        async load(id: string) {
          queries.push(id);
          await released;
          return load(id);
        },
      };
      return createReadThrough(source, {
        redis,
        now: () => NOW,
        onProblem: (problem) => problems.push(problem),
      });
    };
    const problems: unknown[] = [];
    const all = [start(), start(), start()];
    return {
      readAll: (id: string) => Promise.allSettled(all.map(({ read }) => read(id))),
      untilOneQueries: () => until('one queries', () => Promise.resolve(queries.length === 1)),
      ...{ queries, release, problems },
    };
  }

  const followersOf = (results: Awaited<ReturnType<ReturnType<typeof processes>['readAll']>>) =>
    results.map((result) => (result.status === 'fulfilled' ? result.value.value?.followers_count : 'failed'));

  test('cost one query: the others find the value that the first one has written', async () => {
    const { readAll, untilOneQueries, queries, release, problems } = processes((id) => profileOf(id, 9));
    const reading = readAll('kol-7');
    await untilOneQueries();
    release();
    const results = await reading;
    expect(followersOf(results)).toEqual([9, 9, 9]);
    const outcomes = results.map((result) => (result.status === 'fulfilled' ? result.value.outcome : ''));
    expect(outcomes.sort()).toEqual(['hit', 'hit', 'miss']);
    expect(queries).toEqual(['kol-7']);
    expect(problems).toEqual([]);
    expect(await allKeys(target.redis)).toEqual([KEY]);
  });

  test('of a slow source cost few reads of the waiting processes', async () => {
    const { read } = createReadThrough(
      tableSource(profile, async (ids) => {
        await sleep(2000);
        return ids.map((id) => profileOf(id, 9));
      }),
      { redis, now: () => NOW, onProblem: () => {} },
    );
    const first = read('slow');
    await until('it has the lease', async () => (await redis.exists(leaseKey(profile.key('slow')))) === 1);
    let looks = 0;
    const lease = createLeases({ redis, onProblem: () => {} });
    const found = await lease(profile.key('slow'), {
      async look() {
        looks += 1;
        return (await redis.hget(profile.key('slow'), 'followers_count')) ?? undefined;
      },
      work: () => Promise.resolve('worked'),
      ...{ nothing: 'nothing', isNothing: () => false, signal: new AbortController().signal },
    });
    expect([found, (await first).outcome]).toEqual(['9', 'miss']);
    expect(looks).toBeLessThan(30); // 80 every 25 ms
  });

  test('cost one query also when the source does not have the id', async () => {
    const { readAll, untilOneQueries, queries, release } = processes(() => null);
    const reading = readAll('nobody');
    await untilOneQueries();
    release();
    expect((await reading).map((result) => result.status === 'fulfilled' && result.value.value)).toEqual([
      null,
      null,
      null,
    ]);
    expect(queries).toEqual(['nobody']);
    expect(await keysWithoutTtl(target.redis)).toEqual([]);
  });

  test('do not wait forever for a process that was killed during its query', async () => {
    const { readAll, queries, release } = processes((id) => profileOf(id, 9));
    release();
    await target.redis.set(`cache:lock:{${KEY}}:fill`, 'killed', 'PX', 300);
    expect(followersOf(await readAll('kol-7'))).toEqual([9, 9, 9]);
    expect(queries).toEqual(['kol-7']);
  });

  test('have no more than 3 s to wait for it, while they cost one query that takes longer', async () => {
    const { readAll, untilOneQueries, queries, release } = processes((id) => profileOf(id, 9));
    const reading = readAll('kol-7');
    await untilOneQueries();
    expect(await target.redis.pttl(leaseKey(KEY))).toBeLessThanOrEqual(3000);
    await sleep(4000);
    expect(queries).toEqual(['kol-7']);
    release();
    expect(followersOf(await reading)).toEqual([9, 9, 9]);
    expect(queries).toEqual(['kol-7']);
  });

  test('do not wait for a lease that lives longer than those of this system', async () => {
    const { readAll, queries, release } = processes((id) => profileOf(id, 9));
    release();
    await target.redis.set(leaseKey(KEY), 'of another client', 'EX', 3600);
    expect(followersOf(await readAll('kol-7'))).toEqual([9, 9, 9]);
    expect(queries).toEqual(['kol-7']);
  });

  test('go on to the next process when the query of one fails', async () => {
    let calls = 0;
    const { readAll, queries, release } = processes((id) => {
      calls += 1;
      if (calls === 1) throw new Error('the first query fails');
      return profileOf(id, 9);
    });
    release();
    expect(followersOf(await readAll('kol-7')).sort()).toEqual([9, 9, 'failed']);
    expect(queries).toHaveLength(2);
  });
});
