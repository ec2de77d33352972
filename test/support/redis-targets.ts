import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { closeRedis, connectRedis, type RedisClient, type RedisUse } from '../../clients/redis.ts';
import { startSingleRedis, startRedisCluster, type RedisNode } from './redis-cluster.ts';

/** A Redis of these tests alone: a single one, or a cluster of three masters. */
export interface RedisTarget {
  /** As REDIS_URL names it. */
  readonly url: string;
  readonly masters: readonly RedisNode[];
  /** A client for background work. */
  readonly redis: RedisClient;
}

/** A client whose connection errors are ignored: the tests look at the errors of commands. */
export const connectTo = (url: string, use: RedisUse = 'work'): Promise<RedisClient> =>
  connectRedis(url, use, { onError: () => {} });

/**
 * Runs the same tests on a single Redis and on a cluster. Redis is empty at the start of each test.
 * @param defineTests read `target` inside a test, since it is set only when the tests run
 */
export function describeOnRedisAndCluster(title: string, defineTests: (target: RedisTarget) => void): void {
  describe.each([
    ['a single Redis', () => startSingleRedis()],
    ['a cluster', startRedisCluster],
  ])(`${title} on %s`, (_name, start) => {
    let servers: Awaited<ReturnType<typeof start>>;
    let redis: RedisClient;
    beforeAll(async () => {
      servers = await start();
      redis = await connectTo(servers.url);
    });
    afterAll(async () => {
      await closeRedis(redis);
      await servers.stop();
    });
    afterEach(() => Promise.all(servers.masters.map((node) => node.redis.flushall())));

    defineTests({
      get url() {
        return servers.url;
      },
      get masters() {
        return servers.masters;
      },
      get redis() {
        return redis;
      },
    });
  });
}
