import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis, type RedisClient } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { idsOf, profileEntries } from '../../support/cache-values.ts';
import { startLocalReader, type LocalReader } from '../../support/local-reader.ts';
import { startRedisCluster, type RedisNode, type TestCluster } from '../../support/redis-cluster.ts';
import { connectTo } from '../../support/redis-targets.ts';
import { until } from '../../support/until.ts';

/** Each master of a cluster has some of these keys. */
const ids = idsOf(24);

let cluster: TestCluster;
let reader: LocalReader;
let redis: RedisClient;
beforeEach(async () => {
  cluster = await startRedisCluster();
  // The other masters serve their keys.
  for (const { redis } of [...cluster.masters, cluster.spare, cluster.replica])
    await redis.config('SET', 'cluster-require-full-coverage', 'no');
  redis = await connectTo(cluster.url);
  reader = await startLocalReader(cluster.url);
  await writeEntries(redis, profileEntries(ids, 7));
  for (const id of ids) await reader.readLocally(id);
});
afterEach(async () => {
  await reader.close();
  await closeRedis(redis);
  await cluster.stop();
});

/** The ids that a master serves. */
async function idsIn({ redis }: RedisNode): Promise<string[]> {
  const held = await Promise.all(ids.map((id) => redis.exists(profile.key(id)).catch(() => 0)));
  return ids.filter((_, index) => held[index] === 1);
}

test.each([
  ['is down', (lost: RedisNode) => lost.kill()],
  ['hangs', (lost: RedisNode) => Promise.resolve(lost.hang())],
])('the values of the other masters stay local while a master without a replica %s', async (_, lose) => {
  const [first, second, lost] = cluster.masters as [RedisNode, RedisNode, RedisNode];
  const alive = [...(await idsIn(first)), ...(await idsIn(second))];
  expect(alive.length).toBeGreaterThan(2);
  let attempts = 0;
  reader.tracked.on('+node', () => (attempts += 1));
  await lose(lost);
  await until('the lost master was tried again', () => Promise.resolve(attempts > 0));
  const areAllLocal = async () => {
    const reads = await Promise.all(alive.map((id) => reader.read(id)));
    return reads.every(([outcome]) => outcome === 'local-hit');
  };
  let since = attempts;
  await until('all values have stayed local while the lost master was tried again twice', async () => {
    if (!(await areAllLocal())) since = attempts;
    return attempts >= since + 2;
  });
  // Their changes are still reported.
  await writeEntries(redis, profileEntries(alive, 8));
  for (const id of alive) await until(`${id} shows the write`, async () => (await reader.read(id))[1] === 8);
});
