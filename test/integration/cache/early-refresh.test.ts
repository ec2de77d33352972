import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { tableSource } from '../../../cache/reading/entity-sources.ts';
import { leaseKey } from '../../../cache/reading/leases.ts';
import type { ReadProblem } from '../../../cache/reading/read-problem.ts';
import { createReadThrough } from '../../../cache/reading/read-through.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis, type RedisClient } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { NOW, profileEntries, profileOf } from '../../support/cache-values.ts';
import { connectTo, describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { until } from '../../support/until.ts';

const KEY = profile.key('kol-7');
/** The largest value that Math.random returns: with it, an early refresh begins 18 s before the expiry. */
const ALWAYS = 1 - 2 ** -53;

describeOnRedisAndCluster('an early refresh', (target) => {
  let redis: RedisClient;
  beforeAll(async () => {
    redis = await connectTo(target.url, 'serve');
  });
  afterAll(() => closeRedis(redis));

  test('waits for another process no longer than a load may take', async () => {
    const problems: ReadProblem[] = [];
    const { read } = createReadThrough(
      tableSource(profile, () => Promise.resolve([])),
      { redis, now: () => NOW, onProblem: (problem) => problems.push(problem), loadSeconds: 1 },
    );
    await writeEntries(target.redis, profileEntries(['kol-7']));
    await target.redis.pexpire(KEY, 10_000);
    const holdLease = () => target.redis.set(leaseKey(KEY), 'another process', 'PX', 3000);
    await holdLease();
    const holding = setInterval(() => void holdLease(), 500);
    const random = vi.spyOn(Math, 'random').mockReturnValue(ALWAYS);
    try {
      expect(await read('kol-7')).toMatchObject({ outcome: 'hit' });
      const isLate = () => Promise.resolve(problems.some(({ step }) => step === 'refresh'));
      await until('the refresh has ended', isLate, 30);
      expect(problems.map(({ reason }) => reason)).toEqual([
        'profile is not cached and the lakehouse is not available now',
      ]);
    } finally {
      random.mockRestore();
      clearInterval(holding);
    }
  });

  test('is not started while its switch is off', async () => {
    const queried: string[] = [];
    let earlyRefresh = false;
    const { read } = createReadThrough(
      tableSource(profile, (ids) => {
        queried.push(...ids);
        return Promise.resolve(ids.map((id) => profileOf(id, 9)));
      }),
      { redis, now: () => NOW, onProblem: () => {}, switches: () => ({ readThrough: true, earlyRefresh }) },
    );
    const ids = ['kol-7', 'kol-8'];
    await writeEntries(target.redis, profileEntries(ids, 7));
    for (const id of ids) await target.redis.pexpire(profile.key(id), 10_000);
    const random = vi.spyOn(Math, 'random').mockReturnValue(ALWAYS);
    try {
      for (let reads = 0; reads < 20; reads += 1)
        expect(await read('kol-7')).toMatchObject({ outcome: 'hit', value: { followers_count: 7 } });
      earlyRefresh = true;
      await read('kol-8');
      await until('the lakehouse is queried', () => Promise.resolve(queried.length > 0));
      // A refresh of the first one would have begun earlier.
      expect(queried).toEqual(['kol-8']);
    } finally {
      random.mockRestore();
    }
  });
});
