import { Cluster } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeRedis, connectRedis, type RedisClient, type RedisUse } from '../../../clients/redis.ts';
import { startRelay, type Relay } from '../../support/relay.ts';
import { until } from '../../support/until.ts';
import { testEngines } from '../../support/test-engines.ts';

describe('a dead connection that was not closed', () => {
  let relay: Relay;
  let redis: RedisClient;
  beforeEach(async () => {
    relay = await startRelay(new URL(testEngines().REDIS_URL).host);
  });
  afterEach(async () => {
    await closeRedis(redis);
    await relay.close();
  });
  const connected = async (use: RedisUse) => {
    redis = await connectRedis(`redis://127.0.0.1:${relay.port}`, use, { onError: () => {} });
    expect(await redis.ping()).toBe('PONG');
  };

  test('fails each command of `serve` after 500 ms, until the client reconnects', async () => {
    await connected('serve');
    relay.silence();
    await expect(redis.ping()).rejects.toThrow('Command timed out');
    await until('Redis answers again', async () => (await redis.ping().catch(() => '')) === 'PONG');
  });

  test('fails no command of `work`: they wait until the client reconnects', async () => {
    await connected('work');
    relay.silence();
    expect(await redis.ping()).toBe('PONG');
  });
});

test('a command whose reply arrived while the event loop was blocked does not time out', async () => {
  const redis = await connectRedis(testEngines().REDIS_URL, 'serve', { onError: () => {} });
  try {
    expect(await redis.ping()).toBe('PONG');
    const replies = [redis.ping(), redis.pipeline().ping().ping().exec()];
    setImmediate(() => blockEventLoop(700)); // the commands are sent, and time out after 500 ms
    expect(await Promise.all(replies)).toEqual([
      'PONG',
      [
        [null, 'PONG'],
        [null, 'PONG'],
      ],
    ]);
  } finally {
    await closeRedis(redis);
  }
});

// A cluster client sends ASKING in this way, and the connection may end before the reply.
test('an ASKING that fails without a waiter does not end the process', async () => {
  const redis = await connectRedis(testEngines().REDIS_URL, 'serve', { onError: () => {} });
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    if (redis instanceof Cluster) throw new TypeError('a single Redis refuses ASKING; a cluster may not');
    await expect(redis.asking()).rejects.toThrow('cluster support disabled');
    void redis.asking();
    await redis.ping();
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
    await closeRedis(redis);
  }
});

function blockEventLoop(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
