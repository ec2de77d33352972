import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis, type RedisClient } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { idsOf, profileEntries } from '../../support/cache-values.ts';
import { startLocalReader, type LocalReader } from '../../support/local-reader.ts';
import {
  startRedisCluster,
  startSingleRedis,
  type RedisNode,
  type TestCluster,
} from '../../support/redis-cluster.ts';
import { connectTo } from '../../support/redis-targets.ts';
import { startRelay } from '../../support/relay.ts';
import { until } from '../../support/until.ts';

/** Each master of a cluster has some of them. */
const ids = idsOf(24);
const write = (redis: RedisClient, followers: number) => writeEntries(redis, profileEntries(ids, followers));

async function fillLocally(reader: LocalReader): Promise<void> {
  for (const id of ids) await reader.readLocally(id);
}

/** Every write shows: no value in the memory of the process outlives a change on the new master. */
async function expectFollowed(reader: LocalReader, redis: RedisClient, from: number): Promise<void> {
  for (const followers of [from, from + 1]) {
    await write(redis, followers);
    for (const id of ids)
      await until(`${id} has ${followers} followers`, async () => (await reader.read(id))[1] === followers);
    // While connections come and go the tier is emptied, but no old value returns.
    await until('all are local again', async () => {
      const reads = await Promise.all(ids.map((id) => reader.read(id)));
      for (const [, shown] of reads) expect(shown).toBe(followers);
      return reads.every(([outcome]) => outcome === 'local-hit');
    });
  }
}

const untilReplicated = (replica: RedisNode) =>
  until(
    'the replica has the values',
    async () => (await replica.redis.exists(profile.key(ids.at(-1) ?? ''))) === 1,
  );

test('a local tier follows a Redis whose address moves to its promoted replica', async () => {
  const servers = [await startSingleRedis(), await startSingleRedis()];
  const [old, replica] = servers.map(({ masters }) => masters[0]) as [RedisNode, RedisNode];
  const relay = await startRelay(`127.0.0.1:${old.port}`);
  const reader = await startLocalReader(`redis://127.0.0.1:${relay.port}`);
  const [oldClient, newClient] = [await connectTo(old.url), await connectTo(replica.url)];
  let moved = relay;
  try {
    await replica.redis.replicaof('127.0.0.1', old.port);
    await write(oldClient, 1);
    await untilReplicated(replica);
    await fillLocally(reader);
    await replica.redis.call('REPLICAOF', 'NO', 'ONE');
    await write(newClient, 2);
    expect(await reader.read(ids[0] ?? '')).toEqual(['local-hit', 1]); // its Redis is the old one still
    await relay.close();
    moved = await startRelay(`127.0.0.1:${replica.port}`, relay.port);
    await until('a read goes to the new master', async () => (await reader.read(ids[0] ?? ''))[1] === 2);
    // From the first answer of the new master on, no old value is served.
    for (const id of ids) expect((await reader.read(id))[1], id).toBe(2);
    await expectFollowed(reader, newClient, 3);
  } finally {
    await reader.close();
    await Promise.all([closeRedis(oldClient), closeRedis(newClient)]);
    await moved.close();
    for (const { stop } of servers) await stop();
  }
});

describe('behind an address that moves while its open connections stay', () => {
  test.each([
    [
      'both connections of a local tier move when the old Redis refuses a write',
      // The read of an unknown value begins with a write: it takes the lease.
      async (reader: LocalReader) => void (await reader.read('not-cached')),
    ],
    [
      'the connection that is read follows the one that receives reports',
      (_: LocalReader, old: RedisNode) => old.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    ],
  ])('%s', async (_, move) => {
    const servers = [await startSingleRedis(), await startSingleRedis()];
    const [old, promoted] = servers.map(({ masters }) => masters[0]) as [RedisNode, RedisNode];
    const relay = await startRelay(`127.0.0.1:${old.port}`);
    const reader = await startLocalReader(`redis://127.0.0.1:${relay.port}`);
    const client = await connectTo(promoted.url);
    try {
      await promoted.redis.replicaof('127.0.0.1', old.port);
      await write(old.redis, 1);
      await untilReplicated(promoted);
      await fillLocally(reader);
      await promoted.redis.call('REPLICAOF', 'NO', 'ONE');
      await old.redis.replicaof('127.0.0.1', promoted.port);
      relay.redirect(`127.0.0.1:${promoted.port}`);
      await move(reader, old);
      await expectFollowed(reader, client, 2);
      expect(await tracksKeys(promoted)).toBe(true);
    } finally {
      await reader.close();
      await closeRedis(client);
      await relay.close();
      for (const { stop } of servers) await stop();
    }
  });
});

/** Whether a client of the server reads over a connection whose keys are tracked. */
const tracksKeys = async ({ redis }: RedisNode): Promise<boolean> =>
  /flags=\w*t/.test(String(await redis.call('CLIENT', 'LIST')));

describe('a local tier on a cluster', () => {
  let cluster: TestCluster;
  let reader: LocalReader;
  let redis: RedisClient;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    redis = await connectTo(cluster.url);
    reader = await startLocalReader(cluster.url);
    await write(redis, 1);
    await fillLocally(reader);
  });
  afterAll(async () => {
    await reader.close();
    await closeRedis(redis);
    await cluster.stop();
  });

  test('follows a replica that takes over from a master that is alive', async () => {
    await cluster.replica.redis.cluster('FAILOVER');
    await until('the replica is a master', async () =>
      (await cluster.replica.redis.info('replication')).includes('role:master'),
    );
    await expectFollowed(reader, redis, 2);
  });

  test('follows the former master when it takes over from that one, which is killed', async () => {
    const [former] = cluster.masters;
    await until(
      'it is a replica that follows',
      async () => (await former?.redis.info('replication'))?.includes('master_link_status:up') === true,
    );
    await cluster.replica.kill();
    await former?.redis.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
    await expectFollowed(reader, redis, 4);
  });
});
