import { beforeAll, describe, expect, test } from 'vitest';
import { apiProfile } from '../../../api/dependencies.ts';
import { createClients } from '../../../clients/create-clients.ts';
import { createLogger } from '../../../clients/logger.ts';
import { API_TRINO_USER, apiConfig, startApi, useApi, type Answer } from '../../support/api.ts';
import { startSeparateApi } from '../../support/api-process.ts';
import { startHeldTrino } from '../../support/held-trino.ts';
import { mostBatches } from '../../support/most-batches.ts';
import { queryColumn } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

const { api } = await useApi();

beforeAll(async () => {
  // The first query also checks the columns of the tables.
  await api.get('/api/v1/kols/first');
  // Opens the connections: while that lasts, requests arrive over seconds and not at once.
  await Promise.all(Array.from({ length: 1000 }, () => api.get('/healthz')));
});

const column = (sql: string) => queryColumn(apiConfig().TRINO_URL, sql);

/** Queries of the API on the Silver tables since a time. */
const queriesSince = (since: Date) =>
  column(
    `SELECT query_id AS id FROM system.runtime.queries
     WHERE "user" = '${API_TRINO_USER}' AND created >= from_iso8601_timestamp('${since.toISOString()}')
       AND query LIKE '%"kol_silver"."kol_%' AND query NOT LIKE '%system.runtime%'`,
  );

/** Reads all paths at once. @returns the answers, the number of queries that they took, and the most that they may take if they share them */
async function flood(paths: readonly string[]) {
  const since = new Date();
  const answers = await Promise.all(paths.map((path) => api.get(path)));
  const most = mostBatches(since);
  return { answers, most, queries: (await queriesSince(since)).length };
}
const statuses = (answers: readonly Answer[]) => [...new Set(answers.map(({ status }) => status))];

describe('the lakehouse is protected from', () => {
  test('1,000 unknown ids at once share few queries, and all are 404', async () => {
    const paths = Array.from({ length: 1000 }, (_, index) => `/api/v1/kols/unknown-${Date.now()}-${index}`);
    const { answers, most, queries } = await flood(paths);
    expect(statuses(answers)).toEqual([404]);
    expect(queries).toBeLessThanOrEqual(most);
  });

  test('500 distinct ids that are not cached share few queries, and all are 200', async () => {
    const ids = await column('SELECT kol_id AS id FROM iceberg.kol_silver.kol_profiles LIMIT 500');
    const paths = ids.map((id) => `/api/v1/kols/${encodeURIComponent(id)}`);
    const { answers, most, queries } = await flood(paths);
    expect(statuses(answers)).toEqual([200]);
    expect(answers.map(({ json }) => json['kol_id'])).toEqual(ids);
    // At most three when all wait for the first one: test/chaos/floods.test.ts.
    expect(queries).toBeLessThanOrEqual(most);
  });

  test('1,000 readers of one uncached id, in two processes, cost one query, and all are 200', async () => {
    const [id = ''] = await column('SELECT min(kol_id) AS id FROM iceberg.kol_silver.kol_profiles');
    const path = `/api/v1/kols/${encodeURIComponent(id)}`;
    // With L1, as deployments run: the process without the lease is woken by a report of Redis.
    const withL1 = () => startSeparateApi({ API_L1_MEGABYTES: '8' });
    const processes = await Promise.all([withL1(), withL1()]);
    try {
      for (const each of processes) await each.get('/api/v1/kols/first'); // checks the columns
      const since = new Date();
      const answers = await Promise.all(
        Array.from({ length: 500 }, () => processes.map((each) => each.get(path))).flat(),
      );
      expect(statuses(answers)).toEqual([200]);
      expect(await queriesSince(since)).toHaveLength(1);
    } finally {
      await Promise.all(processes.map((each) => each.close()));
    }
  });

  test('platforms that do not exist: the queries of the list of platforms, which also ask whether ids repeat', async () => {
    const paths = Array.from({ length: 100 }, (_, index) => [
      `/api/v1/kols/top?platform=nowhere-${index}`,
      `/api/v1/kols/top?by=engagement&platform=nowhere-${index}`,
      `/api/v1/content/trending?platform=nowhere-${index}`,
    ]).flat();
    const { answers, queries } = await flood(paths);
    expect(statuses(answers)).toEqual([404]);
    expect(queries).toBeLessThanOrEqual(3);
  });

  test('answers queries beyond the limit of running and waiting ones with 503 and Retry-After at once', async () => {
    const [atOnce, waiting, more] = [1, 16, 3];
    const limits = Array.from({ length: atOnce + waiting + more }, (_, index) => index + 1);
    const trino = await startHeldTrino(apiConfig().TRINO_URL);
    const bounded = await startApi({
      TRINO_URL: trino.url,
      API_TRINO_QUERIES: String(atOnce),
      WARM_RANKING_LIMITS: [...limits, 100].join(','),
    });
    try {
      // it also queries whether ids repeat, so the others need not
      await bounded.get('/api/v1/kols/top?limit=100');
      trino.hold();
      const answers: Answer[] = [];
      const reads = limits.map(async (limit) =>
        answers.push(await bounded.get(`/api/v1/kols/top?limit=${limit}`)),
      );
      const all = Promise.all(reads);
      all.catch(() => {}); // the test may end before
      await until('some are refused', () => Promise.resolve(answers.length === more));
      await until('a query runs', () => Promise.resolve(trino.held() > 0));
      expect(trino.held()).toBe(atOnce);
      for (const { status, json, headers } of answers) {
        expect([status, json['type']]).toEqual([503, 'urn:kol-cache:problem:lakehouse-unavailable']);
        expect(headers.get('retry-after')).toBe('5');
      }
      trino.release();
      await all;
      expect(statuses(answers.slice(more))).toEqual([200]);
    } finally {
      await bounded.close();
      await trino.close();
    }
  });

  test('checks of its tables count towards the limit of queries', async () => {
    const trino = await startHeldTrino(apiConfig().TRINO_URL);
    const config = apiConfig({ TRINO_URL: trino.url });
    const profile = { ...apiProfile(config), queryLimits: { concurrency: 1, maxWaiting: 0 } };
    const clients = createClients(config, profile, createLogger('api', config.LOG_LEVEL));
    const read = (id: string) => clients.lakehouse().profilesById([id]);
    try {
      expect(await read('unknown')).toEqual([]); // a read that waits for its check does not hold the only place
      trino.hold();
      const reading = read('unknown');
      await until('the query runs', () => Promise.resolve(trino.held() > 0));
      await expect(clients.silver().check()).rejects.toThrow('1 queries run on Trino and 0 wait');
      trino.release();
      expect(await reading).toEqual([]);
    } finally {
      await trino.close();
      await clients.close();
    }
  });
});
