import { expect, test } from 'vitest';
import { profile } from '../../../domain/entities/profile.ts';
import { apiConfig, cacheStatus, startApi, useRedis } from '../../support/api.ts';
import { loadDuringOutage } from '../../support/redis-outage.ts';
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
    expect(outage.seen).toMatchObject({ serverErrors: 0, failed: 0 });
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
