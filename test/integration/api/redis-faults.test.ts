import { setTimeout as sleep } from 'node:timers/promises';
import calculateSlot from 'cluster-key-slot';
import { describe, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { apiConfig, cacheStatus, startApi, UNREACHABLE_ADDRESS, useRedis } from '../../support/api.ts';
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

test('while Redis is gone, L1 and the lakehouse answer every read, and Redis is used again when it is back', async () => {
  const { TRINO_URL, REDIS_URL } = apiConfig();
  const ids = await queryColumn(TRINO_URL, 'SELECT kol_id FROM iceberg.kol_silver.kol_profiles LIMIT 10');
  const paths = [...ids.map(pathOf), '/api/v1/kols/top', '/api/v1/stats'];
  const { host, pathname } = new URL(REDIS_URL);
  let relay = await startRelay(host);
  const api = await startApi({ ...L1, REDIS_URL: `redis://127.0.0.1:${relay.port}${pathname}` });
  try {
    for (const path of paths) expect((await api.get(path)).status).toBe(200);
    const load = { url: api.url, paths, perSecond: 200 };
    const outage = await loadDuringOutage(load, { address: host, relay }, 6);
    ({ relay } = outage);
    expect(outage.seen).toMatchObject({ serverErrors: 0, clientErrors: 0, failed: 0 });
    expect(outage.seen.answered).toBeGreaterThan(500);
    for (const path of paths)
      await until(`L1 keeps ${path} again`, async () =>
        (cacheStatus(await api.get(path)) ?? '').startsWith('kol-l1; hit'),
      );
    expect(await redis.exists(...ids.map(profile.key))).toBe(ids.length);
  } finally {
    await api.close();
    await relay.close();
  }
});

describe('on a Redis Cluster', () => {
  /** Keys with this hash tag are in the slot that moves. */
  const TAG = '{moving}';
  const ids = [...idsOf(10, TAG), ...idsOf(40)];

  test('while a slot moves under load, Redis answers nearly all reads, and no read returns an older value than before', async () => {
    const cluster = await startRedisCluster();
    const writer = await connectTo(cluster.url);
    // Without the lakehouse, each read that misses is a 503.
    const api = await startApi({ ...L1, REDIS_URL: cluster.url, TRINO_URL: `http://${UNREACHABLE_ADDRESS}` });
    let written = 0;
    const write = () => writeEntries(writer, profileEntries(ids, (written += 1)));
    const newest = new Map<string, number>();
    const failures: string[] = [];
    let isLoaded = true;
    let reads = 0;

    async function readOne(id: string): Promise<void> {
      const seen = newest.get(id) ?? 0;
      const { status, json } = await api.get(pathOf(id));
      const followers = Number(json['followers_count']);
      if (status !== 200) failures.push(`${id} answered ${status}`);
      else if (followers < seen) failures.push(`${id} went back from ${seen} to ${followers}`);
      else newest.set(id, Math.max(followers, newest.get(id) ?? 0));
      reads += 1;
    }
    async function load(): Promise<void> {
      while (isLoaded) for (const id of ids) await readOne(id);
    }
    async function writeOn(): Promise<void> {
      for (; isLoaded; await sleep(20)) await write();
    }

    try {
      await write();
      const slot = calculateSlot(profile.key(TAG));
      const counts = await Promise.all(
        cluster.masters.map((node) => node.redis.cluster('COUNTKEYSINSLOT', slot)),
      );
      const owner = cluster.masters[counts.findIndex((count) => Number(count) > 0)];
      if (owner === undefined) throw new Error(`no master owns slot ${slot}`);
      const loops = [load(), load(), load(), load(), writeOn()];
      const others = cluster.masters.filter((node) => node !== owner);
      await moveSlot(slot, owner, cluster.spare, others, () => sleep(500));
      await sleep(500);
      isLoaded = false;
      await Promise.all(loops);
      // The client cannot find one key or another at the moment at which the slot changes its node: the lakehouse would answer.
      expect(new Set(failures).size).toBeLessThanOrEqual(2);
      expect(failures.filter((failure) => failure.includes('went back'))).toEqual([]);
      expect(reads).toBeGreaterThan(4 * ids.length);
      for (const id of ids)
        await until('the last write shows', async () => {
          const { json } = await api.get(pathOf(id));
          return json['followers_count'] === written;
        });
    } finally {
      isLoaded = false;
      await api.close();
      await closeRedis(writer);
      await cluster.stop();
    }
  });
});
