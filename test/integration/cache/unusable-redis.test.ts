import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis } from '../../../clients/redis.ts';
import { profileEntries, profileOf } from '../../support/cache-values.ts';
import { startLocalReader, type LocalReader } from '../../support/local-reader.ts';
import { startSingleRedis } from '../../support/redis-cluster.ts';
import { connectTo, describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { until } from '../../support/until.ts';

describeOnRedisAndCluster('while Redis is connected but refuses writes', (target) => {
  const readers: LocalReader[] = [];
  /** Redis accepts writes only with so many replicas. */
  const needReplicas = (count: number) =>
    Promise.all(target.masters.map(({ redis }) => redis.config('SET', 'min-replicas-to-write', count)));
  afterEach(async () => {
    await needReplicas(0);
    await Promise.all(readers.splice(0).map((reader) => reader.close()));
  });

  test('the local tier keeps a value of the lakehouse for a second', async () => {
    let queries = 0;
    const reader = await startLocalReader(target.url, {
      load: (ids) => {
        queries += 1;
        return Promise.resolve(ids.map((id) => profileOf(id, 9)));
      },
    });
    readers.push(reader);
    await writeEntries(target.redis, profileEntries(['kol-7']));
    await reader.readLocally('kol-7'); // Redis reports changes
    await needReplicas(10);

    expect(await reader.read('kol-8')).toEqual(['miss', 9]);
    for (let reads = 0; reads < 20; reads += 1) expect(await reader.read('kol-8')).toEqual(['local-hit', 9]);
    expect(queries).toBe(1);
    await sleep(1100);
    expect(await reader.read('kol-8')).toEqual(['miss', 9]);
  });
});

test('while Redis hangs, the local tier answers its values, and follows Redis again afterwards', async () => {
  const servers = await startSingleRedis();
  const redis = await connectTo(servers.url);
  const reader = await startLocalReader(servers.url);
  const [, pid = ''] = /^process_id:(\d+)/m.exec(await redis.info('server')) ?? [];
  try {
    await writeEntries(redis, profileEntries(['kol-7'], 7));
    await reader.readLocally('kol-7');
    process.kill(Number(pid), 'SIGSTOP');
    // By then both connections of the tier have noticed it.
    for (const stoppedAt = performance.now(); performance.now() - stoppedAt < 8000; await sleep(100))
      expect(await reader.read('kol-7')).toEqual(['local-hit', 7]);
    process.kill(Number(pid), 'SIGCONT');
    await writeEntries(redis, profileEntries(['kol-7'], 8));
    await until('the write shows', async () => (await reader.read('kol-7'))[1] === 8);
  } finally {
    process.kill(Number(pid), 'SIGCONT');
    await Promise.all([reader.close(), closeRedis(redis)]);
    await servers.stop();
  }
});
