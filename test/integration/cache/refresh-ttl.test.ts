import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { refreshTtls } from '../../../cache/writing/refresh-ttl.ts';
import { startRelay } from '../../support/relay.ts';
import { startSingleRedis } from '../../support/redis-cluster.ts';
import { until } from '../../support/until.ts';

test('a renewal of many keys sends its calls one after the other, so that Redis serves other clients in between', async () => {
  const server = await startSingleRedis({});
  const other = new Redis(server.url, { protocol: 2 });
  const relay = await startRelay(new URL(server.url).host);
  const renewing = new Redis(relay.port, '127.0.0.1', { protocol: 2, maxRetriesPerRequest: 0 });
  const keys = Array.from({ length: 2000 }, (_, index) => `key-${index}`);
  await other.mset(keys.flatMap((key) => [key, '1']));
  const renew = (some: readonly string[]) =>
    refreshTtls(
      renewing,
      some.map((key) => ({ key, ttlSeconds: 1000 })),
    );
  const renewed = async () => {
    const ttls = await Promise.all(keys.map((key) => other.ttl(key)));
    return ttls.filter((ttl) => ttl > 0).length;
  };
  try {
    await renew(['another']); // connects, and loads the script
    // Redis runs the received commands, but its answers do not arrive
    relay.silence();
    const renewal = renew(keys).catch((error: unknown) => error);
    await until('Redis has run the first call', async () => (await renewed()) > 0);
    // Redis would have run all received commands: it serves each client in turn
    expect(await renewed()).toBeLessThanOrEqual(250);
    renewing.disconnect();
    expect(await renewal).toBeInstanceOf(Error);
  } finally {
    other.disconnect();
    await relay.close();
    await server.stop();
  }
});
