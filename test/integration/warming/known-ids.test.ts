import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { addToFilter, createBloomFilter, mayContain } from '../../../domain/values/bloom-filter.ts';
import { cacheStatus, startApi, type RunningApi } from '../../support/api.ts';
import { createHiveSchema } from '../../support/hive-schema.ts';
import { testEngines } from '../../support/test-engines.ts';
import { queryTrino } from '../../support/trino.ts';
import { until } from '../../support/until.ts';
import { fillWarmSchema, warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const DATABASE = 13;
/** 10,000 requests take a minute on a busy machine. */
const FLOOD_MS = 180_000;
const NEGATIVE = 'kol-redis; hit; detail=negative';

const catalog = inject('catalog');

describe(`the filter of known ids of ${catalog} tables`, () => {
  let harness: WarmHarness;
  const apis: RunningApi[] = [];
  beforeAll(async () => {
    const name = await fillWarmSchema(DATABASE, 'iceberg');
    const schema = `iceberg.${name}`;
    const more = { TRINO_CATALOG: catalog, TRINO_SCHEMA: name, WARM_SETTLE_SECONDS: '0.5' };
    if (catalog === 'hive') await createHiveSchema(name, schema);
    const { TRINO_CATALOG, TRINO_SCHEMA } = testEngines();
    await queryTrino(
      testEngines().TRINO_URL,
      `CREATE TABLE ${catalog}.${name}.kol_trust_features AS
       SELECT * FROM ${TRINO_CATALOG}.${TRINO_SCHEMA}.kol_trust_features ORDER BY kol_id LIMIT 50`,
    );
    harness = await warmHarness(DATABASE, more);
    if (catalog === 'hive') await harness.trino(`DROP SCHEMA ${schema} CASCADE`);
    await harness.redis.flushdb();
    await harness.warm({ parts: ['search', 'trending'] });
  });
  afterAll(async () => {
    await Promise.all(apis.map((api) => api.close()));
    await harness.redis.flushdb();
    await harness.stop();
  });

  /** An API process without a filter yet. */
  async function start(): Promise<RunningApi> {
    const { REDIS_URL, TRINO_USER, TRINO_CATALOG, TRINO_SCHEMA } = harness.config;
    const api = await startApi({ REDIS_URL, TRINO_USER, TRINO_CATALOG, TRINO_SCHEMA });
    apis.push(api);
    return api;
  }
  const column = async (sql: string) => (await harness.trino(sql)).map(([cell]) => String(cell));
  const profiles = () => column(`SELECT kol_id FROM ${harness.schema}.kol_profiles`);
  const contents = () => column(`SELECT content_id FROM ${harness.schema}.kol_content`);
  const owners = () => column(`SELECT DISTINCT kol_id FROM ${harness.schema}.kol_content`);
  const scored = () => column(`SELECT kol_id FROM ${harness.schema}.kol_trust_features`);
  const path = (id: string) => `/api/v1/kols/${encodeURIComponent(id)}`;
  const written = async (table: string) => harness.redis.hget(`cache:known-ids:${table}`, 'filter');
  const lookUps = async () =>
    (await harness.newQueries()).filter(({ sql }) => sql.includes('AS VARCHAR) IN ('));

  test('has every id, and is written again only when the table has changed', async () => {
    const filterOf = (ids: readonly string[]) => {
      const filter = createBloomFilter(ids.length);
      for (const id of ids) addToFilter(filter, id);
      return Buffer.from(filter).toString('base64');
    };
    expect(await written('kol_profiles')).toBe(filterOf(await profiles()));
    expect(await written('kol_content')).toBe(filterOf(await contents()));
    expect(await written('kol_content:kol_id')).toBe(filterOf(await owners()));
    expect(await written('kol_trust_features')).toBe(filterOf(await scored()));

    // Trending content is read again when its sets are lost; the ids are not.
    await harness.redis.del('content:trending:all:50');
    await harness.newQueries();
    await harness.warm({ parts: ['search', 'trending'] });
    const queries = (await harness.newQueries()).map(({ sql }) => sql);
    expect(queries.some((sql) => sql.includes('row_number'))).toBe(true);
    expect(queries.filter((sql) => /^SELECT \S+ AS id FROM/.test(sql))).toEqual([]);
  });

  test.each([
    [10_000, 'profiles', '', 'kol_profiles'],
    [2000, 'scores', '/score', 'kol_trust_features'],
    [10_000, 'content of KOLs', '/content', 'kol_content:kol_id'],
  ])(
    'answers 404 for %d unknown ids of %s with at most 3 queries, while known ids are read',
    async (count, _, kind, table) => {
      const api = await start();
      const known = (await profiles()).slice(0, 20);
      for (const id of known) expect((await api.get(path(id))).status).toBe(200);
      // The first unknown id makes a process read the columns of the tables, and the snapshots of Hive tables.
      expect((await api.get(`${path('unknown')}${kind}`)).status).toBe(404);
      // By chance the filter contains one in thousands of them.
      const filter = Buffer.from((await written(table)) ?? '', 'base64');
      const unknownIds = Array.from({ length: count }, (__, index) => `unknown-${index}`).filter(
        (id) => !mayContain(filter, id),
      );
      await harness.newQueries();
      const startedAt = performance.now();
      const { unknown, known: beside } = await flood(api, {
        unknown: unknownIds.map((id) => `/api/v1/kols/${id}${kind}`),
        known: known.map(path),
      });
      const seconds = (performance.now() - startedAt) / 1000;
      expect(unknown).toEqual(new Set([404]));
      expect(new Set(beside.map(({ status }) => status))).toEqual(new Set([200]));
      const queries = await harness.newQueries();
      expect(queries.filter(({ sql }) => sql.includes('AS VARCHAR) IN ('))).toEqual([]);
      // one query for the versions of all tables each 5 s
      const checks = Math.floor(seconds / 5) + 1;
      expect(queries.length, queries.map(({ sql }) => sql).join('\n')).toBeLessThanOrEqual(
        Math.max(3, checks),
      );
      const sorted = beside.map(({ ms }) => ms).sort((a, b) => a - b);
      console.log(
        `${catalog}: ${count} unknown ids in ${seconds.toFixed(1)} s took ${queries.length} queries;`,
        `${sorted.length} known ids beside: p50 ${at(sorted, 0.5)} ms, p99 ${at(sorted, 0.99)} ms`,
      );
    },
    FLOOD_MS,
  );

  test('keeps no negative result: an id is found as soon as it is cached', async () => {
    const api = await start();
    const unknown = await api.get(path('an-event-wrote-it'));
    expect([unknown.status, cacheStatus(unknown)]).toEqual([404, NEGATIVE]);
    const [id = ''] = await contents();
    expect((await api.get(`/api/v1/content/${encodeURIComponent(id)}`)).status).toBe(200);
    expect(cacheStatus(await api.get('/api/v1/content/nothing'))).toBe(NEGATIVE);
    expect((await api.get('/api/v1/kols?ids=nobody,no-one')).json['missing']).toEqual(['nobody', 'no-one']);
  });

  test('knows the features for scores, though nothing else is made of their table', async () => {
    const score = (id: string) => `${path(id)}/score`;
    // The model does not answer in this test, and is asked only for a KOL with features.
    const MODEL_ASKED = 503;
    const [id = ''] = await scored();
    expect((await (await start()).get(score(id))).status).toBe(MODEL_ASKED);
    const columns = await column(`SHOW COLUMNS FROM ${harness.schema}.kol_trust_features`);
    const values = columns.map((name) => (name === 'kol_id' ? `'scored-later'` : name)).join(', ');
    await harness.trino(
      `INSERT INTO ${harness.schema}.kol_trust_features SELECT ${values} FROM ${harness.schema}.kol_trust_features LIMIT 1`,
    );
    // Of another version: the filter decides nothing.
    const before = await start();
    expect((await before.get(score('scored-later'))).status).toBe(MODEL_ASKED);
    expect(cacheStatus(await before.get(score('nobody')))).toBe('kol-redis; fwd=uri-miss');
    // The other tables have not changed.
    await harness.warm({ parts: ['search'] });
    const after = await start();
    expect((await after.get(score('scored-later'))).status).toBe(MODEL_ASKED);
    expect(cacheStatus(await after.get(score('nobody')))).toBe(NEGATIVE);
  });

  test('does not hide an id that was loaded later: the table has another version', async () => {
    const before = await start();
    expect((await before.get(path('new-one'))).status).toBe(404);
    const columns = await column(`SHOW COLUMNS FROM ${harness.schema}.kol_profiles`);
    const values = columns.map((name) => (name === 'kol_id' ? `'new-one'` : name)).join(', ');
    await harness.trino(
      `INSERT INTO ${harness.schema}.kol_profiles SELECT ${values} FROM ${harness.schema}.kol_profiles LIMIT 1`,
    );
    await lookUps();
    expect((await (await start()).get(path('new-one'))).status).toBe(200);
    expect(await lookUps()).toHaveLength(1);
    await harness.redis.del('kol:profile:new-one');
    // A process that has checked the version before the load finds the id after its next check.
    await until('it is found', async () => (await before.get(path('new-one'))).status === 200, 20);
    // Unknown ids are queried until the next warm writes the filter of the new version.
    const api = await start();
    expect(cacheStatus(await api.get(path('nobody')))).toBe('kol-redis; fwd=uri-miss');
    await harness.warm({ parts: ['search'] });
    expect(cacheStatus(await (await start()).get(path('nobody')))).toBe(NEGATIVE);
  });

  test.skipIf(catalog === 'hive')('of a table that lost most of its rows stays as it was', async () => {
    const before = await written('kol_trust_features');
    const table = `${harness.schema}.kol_trust_features`;
    await harness.trino(`DELETE FROM ${table} WHERE kol_id <> (SELECT min(kol_id) FROM ${table})`);
    await harness.warm({ parts: ['search'] });
    expect(await written('kol_trust_features')).toBe(before);
    await harness.warm({ parts: ['search'], allowShrink: true });
    expect(await written('kol_trust_features')).not.toBe(before);
  });
});

/** Reads unknown ids as fast as 50 connections can, and known ids one after the other beside them. */
async function flood(
  api: RunningApi,
  { unknown, known }: { readonly unknown: readonly string[]; readonly known: readonly string[] },
) {
  const pool = new Pool(api.url, { connections: 50 });
  const statusOf = async (path: string) => {
    const { statusCode, body } = await pool.request({ path, method: 'GET' });
    await body.dump();
    return statusCode;
  };
  let left = unknown.length;
  const statuses = new Set<number>();
  const readUnknown = async () => {
    while (left > 0) statuses.add(await statusOf(unknown[(left -= 1)] ?? ''));
  };
  const beside: { readonly status: number; readonly ms: number }[] = [];
  const readKnown = async () => {
    for (let read = 0; left > 0; read += 1) {
      const startedAt = performance.now();
      const status = await statusOf(known[read % known.length] ?? '');
      beside.push({ status, ms: performance.now() - startedAt });
    }
  };
  await Promise.all([...Array.from({ length: 49 }, readUnknown), readKnown()]);
  await pool.close();
  return { unknown: statuses, known: beside };
}

const at = (sorted: readonly number[], share: number) =>
  (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
