import calculateSlot from 'cluster-key-slot';
import type { Cluster } from 'ioredis';
import { type Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCacheAdmin } from '../../../cache/admin/cache-admin.ts';
import { LAST_ERASURE_FENCE, REMOVAL_FENCE } from '../../../cache/writing/read-fence.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis } from '../../../clients/redis.ts';
import { cacheMetadata } from '../../../domain/entities/part-metadata.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { ranking } from '../../../domain/entities/ranking.ts';
import { idsOf, profileEntries } from '../../support/cache-values.ts';
import {
  moveSlot,
  startRedisCluster,
  type RedisNode,
  type TestCluster,
} from '../../support/redis-cluster.ts';
import { connectTo } from '../../support/redis-targets.ts';
import { until } from '../../support/until.ts';

const PLATFORMS = idsOf(100, 'platform-');
const rankingKey = (platform: string) => ranking.key('followers', platform, 100);
/** All its own keys are in one slot, so that its erasure sends commands to few masters before the scan. */
const KOL = `{${cacheMetadata.key}}`;

/** The tests depend on their order: the last ones break the cluster. */
describe('the administration of a Redis Cluster', () => {
  let cluster: TestCluster;
  let redis: Cluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    // from here on, the rest of the cluster answers while a master is down
    const nodes = [...cluster.masters, cluster.spare, cluster.replica];
    await Promise.all(nodes.map((node) => node.redis.config('SET', 'cluster-require-full-coverage', 'no')));
    redis = (await connectTo(cluster.url, 'serve')) as Cluster;
  });
  afterAll(async () => {
    await closeRedis(redis);
    await cluster.stop();
  });
  const fill = () =>
    writeEntries(redis, [
      ...profileEntries([KOL, ...idsOf(100)]),
      ...PLATFORMS.map((platform) =>
        ranking.toEntry('followers', platform, 100, [
          { kol_id: KOL, score: 7 },
          { kol_id: 'another', score: 5 },
        ]),
      ),
    ]);

  const portOf = (key: string): number => {
    const [address = ''] = redis.slots[calculateSlot(key)] ?? [];
    return Number(address.split(':')[1]);
  };
  const nodeAt = (port: number | undefined): RedisNode => {
    const node = cluster.masters.find((each) => each.port === port);
    if (node === undefined) throw new Error(`no master listens on port ${port}`);
    return node;
  };
  const erase = () => createCacheAdmin(redis).eraseKol(KOL);
  const rankedPlatforms = async () => {
    const found = await Promise.all(PLATFORMS.map((platform) => redis.zscore(rankingKey(platform), KOL)));
    return found.filter((score) => score !== null).length;
  };

  /** Ends all connections to a master that receives no command of an erasure before its scan, and waits until the client has noticed. */
  async function forgetMaster(): Promise<RedisNode> {
    const early = [cacheMetadata.key, profile.key(KOL), REMOVAL_FENCE, LAST_ERASURE_FENCE].map(portOf);
    const forgotten = cluster.masters.find(({ port }) => !early.includes(port));
    if (forgotten === undefined) throw new Error('an erasure uses each master before its scan');
    await forgotten.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const isKnown = () =>
      redis
        .nodes('master')
        .some(({ options, status }) => options.port === forgotten.port && status === 'ready');
    await until('the client has lost the connection', () => Promise.resolve(!isKnown()));
    return forgotten;
  }

  test('counts the keys of a master whose connection has ended', async () => {
    await fill();
    await forgetMaster();
    const { byKind } = await createCacheAdmin(redis).status();
    expect([byKind.get('profile')?.keys, byKind.get('ranking')?.keys]).toEqual([101, PLATFORMS.length]);
    await forgetMaster();
    expect((await createCacheAdmin(redis).status()).memory.keys).toBeGreaterThanOrEqual(
      101 + PLATFORMS.length,
    );
  });

  test('deletes the keys of a master whose connection has ended', async () => {
    await fill();
    await forgetMaster();
    const deleted = await createCacheAdmin(redis).invalidate(['profile'], undefined);
    expect(deleted).toEqual({ profile: 101 });
  });

  test('erases a KOL also on a master whose connection has ended', async () => {
    await fill();
    await forgetMaster();
    expect(await erase()).toMatchObject({ profile: 1, ranking: PLATFORMS.length });
    expect(await rankedPlatforms()).toBe(0);
  });

  test('erases a KOL also from a set that moves to a master that was already scanned', async () => {
    await fill();
    const [first, ...others] = redis.nodes('master') as [Redis, ...Redis[]];
    const last = others.at(-1);
    const to = nodeAt(first.options.port);
    const from = nodeAt(last?.options.port);
    const moving = PLATFORMS.map(rankingKey).find((key) => portOf(key) === from.port) ?? '';
    const rest = [...cluster.masters, cluster.spare].filter((node) => node !== from && node !== to);
    const scan = first.scan.bind(first) as (...args: unknown[]) => Promise<[string, string[]]>;
    let isMoved = false;
    first.scan = async (...args: unknown[]) => {
      const page = await scan(...args);
      if (page[0] === '0' && !isMoved) {
        isMoved = true;
        await moveSlot(calculateSlot(moving), from, to, rest, () => Promise.resolve());
      }
      return page;
    };
    try {
      expect(await erase()).toMatchObject({ ranking: PLATFORMS.length });
    } finally {
      first.scan = scan;
    }
    expect([isMoved, await to.redis.zscore(moving, KOL)]).toEqual([true, null]);
  });

  test('fails while a master is gone', async () => {
    const lost = await forgetMaster();
    await lost.kill();
    const admin = createCacheAdmin(redis);
    await expect(admin.status()).rejects.toThrow();
    await expect(admin.invalidate(['profile'], undefined)).rejects.toThrow();
    await expect(erase()).rejects.toThrow();
  });

  test('fails while the whole cluster is gone', async () => {
    await Promise.all([...cluster.masters, cluster.spare, cluster.replica].map(({ kill }) => kill()));
    await until('the client knows no master', () => Promise.resolve(redis.nodes('master').length === 0));
    await expect(createCacheAdmin(redis).status()).rejects.toThrow();
  });
});
