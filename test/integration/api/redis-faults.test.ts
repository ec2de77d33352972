import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import calculateSlot from 'cluster-key-slot';
import { describe, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
import {
  apiConfig,
  cacheStatus,
  startApi,
  UNREACHABLE_ADDRESS,
  useRedis,
  type Answer,
  type RunningApi,
} from '../../support/api.ts';
import { startSeparateApi } from '../../support/api-process.ts';
import { idsOf, profileEntries } from '../../support/cache-values.ts';
import { moveSlot, startRedisCluster } from '../../support/redis-cluster.ts';
import { loadDuringOutage } from '../../support/redis-outage.ts';
import { connectTo } from '../../support/redis-targets.ts';
import { startRelay } from '../../support/relay.ts';
import { queryColumn } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

const redis = await useRedis();
const L1 = { API_L1_MEGABYTES: '8', API_L1_TTL_SECONDS: '2' };
const pathOf = (id: string) => `/api/v1/kols/${encodeURIComponent(id)}`;

/** Reads of values that are in the lakehouse. */
async function readPaths(): Promise<{ readonly ids: readonly string[]; readonly paths: readonly string[] }> {
  const sql = 'SELECT kol_id FROM iceberg.kol_silver.kol_profiles LIMIT 10';
  const ids = await queryColumn(apiConfig().TRINO_URL, sql);
  return { ids, paths: [...ids.map(pathOf), '/api/v1/kols/top', '/api/v1/stats'] };
}

const isLocal = (answer: Answer): boolean => cacheStatus(answer)?.startsWith('kol-l1; hit') === true;

async function untilLocal(api: RunningApi, paths: readonly string[]): Promise<void> {
  for (const path of paths) await until(`L1 keeps ${path} again`, async () => isLocal(await api.get(path)));
}

test('while Redis is gone, L1 and the lakehouse answer every read, and Redis is used again when it is back', async () => {
  const { ids, paths } = await readPaths();
  const { host, pathname } = new URL(apiConfig().REDIS_URL);
  let relay = await startRelay(host);
  const api = await startApi({ ...L1, REDIS_URL: `redis://127.0.0.1:${relay.port}${pathname}` });
  try {
    for (const path of paths) expect((await api.get(path)).status).toBe(200);
    const load = { url: api.url, paths, perSecond: 200 };
    const outage = await loadDuringOutage(load, { address: host, relay }, 6);
    ({ relay } = outage);
    expect(outage.seen).toMatchObject({ serverErrors: 0, clientErrors: 0, failed: 0 });
    expect(outage.seen.answered).toBeGreaterThan(500);
    await untilLocal(api, paths);
    expect(await redis.exists(...ids.map(profile.key))).toBe(ids.length);
  } finally {
    await api.close();
    await relay.close();
  }
});

test('while Redis hangs, L1 and the lakehouse answer every read, and Redis is used again when it answers', async () => {
  const { paths } = await readPaths();
  const api = await startApi(L1);
  try {
    await untilLocal(api, paths);
    const load = autocannon({
      ...{ url: api.url, requests: paths.map((path) => ({ path })) },
      ...{ connections: 20, overallRate: 200, duration: 8, timeout: 30 },
    });
    await redis.client('PAUSE', 6000, 'ALL');
    const { '2xx': answered, non2xx, errors } = await load;
    expect({ non2xx, errors }).toEqual({ non2xx: 0, errors: 0 });
    expect(answered).toBeGreaterThan(500);
    await untilLocal(api, paths);
  } finally {
    await api.close();
  }
});

describe('on a Redis Cluster', () => {
  /** Keys with this hash tag are in the slot that moves. */
  const TAG = '{moving}';
  const ids = [...idsOf(10, TAG), ...idsOf(40)];
  /** How long values are written at each step of the move. */
  const WRITE_MS = 500;

  test('while a slot moves under load, no read fails or returns an older value, and each write shows in two processes that have the value in L1', async () => {
    const cluster = await startRedisCluster();
    const writer = await connectTo(cluster.url);
    const environment = {
      REDIS_URL: cluster.url,
      TRINO_URL: `http://${UNREACHABLE_ADDRESS}`, // so each read that misses is a 503
      API_L1_MEGABYTES: '8',
      API_L1_TTL_SECONDS: '600', // so a value whose change is not reported stays
    };
    const apis = await Promise.all([startApi(environment), startSeparateApi(environment)]);
    let written = 0;
    const write = () => writeEntries(writer, profileEntries(ids, (written += 1)));
    const failures: string[] = [];
    let isLoaded = true;
    let reads = 0;

    async function load(api: RunningApi): Promise<void> {
      const newest = new Map<string, number>();
      for (; isLoaded; reads += 1) {
        const id = ids[reads % ids.length] ?? '';
        const { status, json } = await api.get(pathOf(id));
        const followers = Number(json['followers_count']);
        if (status !== 200) failures.push(`${id} answered ${status}`);
        else if (followers < (newest.get(id) ?? 0)) failures.push(`${id} went back to ${followers}`);
        else newest.set(id, followers);
      }
    }
    /** Waits until both processes answer each id as wanted. */
    async function untilAll(condition: string, isAsWanted: (answer: Answer) => boolean): Promise<void> {
      for (const api of apis)
        for (const id of ids)
          await until(`${id}: ${condition}`, async () => isAsWanted(await api.get(pathOf(id))));
    }
    const untilShown = () =>
      untilAll('the last write shows', ({ json }) => json['followers_count'] === written);
    async function writeAndCheck(): Promise<void> {
      for (const end = performance.now() + WRITE_MS; performance.now() < end; await sleep(20)) await write();
      await untilShown();
      await untilAll('it is in L1', isLocal);
      await write();
      await untilShown();
    }

    try {
      await write();
      const slot = calculateSlot(profile.key(TAG));
      const counts = await Promise.all(
        cluster.masters.map((node) => node.redis.cluster('COUNTKEYSINSLOT', slot)),
      );
      const owner = cluster.masters[counts.findIndex((count) => Number(count) > 0)];
      if (owner === undefined) throw new Error(`no master owns slot ${slot}`);
      const loops = [...apis, ...apis].map(load);
      const others = cluster.masters.filter((node) => node !== owner);
      await moveSlot(slot, owner, cluster.spare, others, writeAndCheck);
      await writeAndCheck();
      isLoaded = false;
      await Promise.all(loops);
      expect(failures).toEqual([]);
      expect(reads).toBeGreaterThan(4 * ids.length);
    } finally {
      isLoaded = false;
      await Promise.all(apis.map((api) => api.close()));
      await closeRedis(writer);
      await cluster.stop();
    }
  });
});
