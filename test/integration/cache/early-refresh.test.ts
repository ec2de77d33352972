import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { tableSource } from '../../../cache/reading/entity-sources.ts';
import { leaseKey } from '../../../cache/reading/leases.ts';
import type { ReadProblem } from '../../../cache/reading/read-problem.ts';
import { createReadThrough } from '../../../cache/reading/read-through.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis, type RedisClient } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { NOW, profileEntries } from '../../support/cache-values.ts';
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
});
