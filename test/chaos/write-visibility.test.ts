import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeEntries } from '../../cache/writing/write-entries.ts';
import { closeRedis, type RedisClient } from '../../clients/redis.ts';
import { startApiProcess, type ApiProcess } from '../support/api-process.ts';
import { profileEntries } from '../support/cache-values.ts';
import { startSingleRedis } from '../support/redis-cluster.ts';
import { connectTo } from '../support/redis-targets.ts';
import { until } from '../support/until.ts';

const WRITES = 200;
const PATH = '/api/v1/kols/known';
/** Nothing listens here. */
const NOWHERE = '127.0.0.1:1';

let servers: Awaited<ReturnType<typeof startSingleRedis>>;
let redis: RedisClient;
let processes: ApiProcess[];
let urls: string[];
beforeAll(async () => {
  servers = await startSingleRedis();
  redis = await connectTo(servers.url);
  processes = [1, 2].map(() =>
    startApiProcess({
      REDIS_URL: servers.url,
      KAFKA_BROKERS: NOWHERE,
      TRINO_URL: `http://${NOWHERE}`,
      TEMPORAL_ADDRESS: NOWHERE,
      ML_API_URL: `http://${NOWHERE}`,
      API_PORT: '0',
      API_L1_TTL_SECONDS: '600',
    }),
  );
  const ports = await Promise.all(processes.map((each) => each.waitForOutput(/"port":(\d+)/)));
  urls = ports.map(([, port]) => `http://127.0.0.1:${port}${PATH}`);
});
afterAll(async () => {
  for (const { child } of processes) child.kill('SIGKILL');
  await closeRedis(redis);
  await servers.stop();
});

async function read(url: string) {
  const answer = await fetch(url);
  const { followers_count: followers } = (await answer.json()) as { followers_count?: number };
  return { followers, isLocal: answer.headers.get('cache-status')?.startsWith('kol-l1') === true };
}

/** Reads until the write shows. @returns milliseconds since the write was answered, with those of the read itself */
async function shows(url: string, followers: number, writtenAt: number): Promise<number> {
  while ((await read(url)).followers !== followers);
  return performance.now() - writtenAt;
}

test('a write shows in every process that has the old value in memory', async () => {
  const delays: number[] = [];
  for (let followers = 1; followers <= WRITES; followers += 1) {
    await writeEntries(redis, profileEntries(['known'], followers));
    const writtenAt = performance.now();
    delays.push(...(await Promise.all(urls.map((url) => shows(url, followers, writtenAt)))));
    for (const url of urls) await until('the value is local', async () => (await read(url)).isLocal);
    await sleep(5);
  }
  const sorted = [...delays].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(1);
  console.log(
    `a write shows after ${at(0.5)} ms (median), ${at(0.99)} ms (p99), ${at(1)} ms (worst), over ${WRITES} writes and 2 processes`,
  );
  expect(delays).toHaveLength(2 * WRITES);
});
