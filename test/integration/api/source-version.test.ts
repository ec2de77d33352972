import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { cacheStatus, startApi, type RunningApi } from '../../support/api.ts';
import { createHiveSchema } from '../../support/hive-schema.ts';
import { until } from '../../support/until.ts';
import { fillWarmSchema, warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const DATABASE = 13;
const HEADER = 'x-source-version';

const catalog = inject('catalog');

describe(`an answer names the version of the tables, in ${catalog},`, () => {
  let harness: WarmHarness;
  let api: RunningApi;
  /** The answers of the process come from its memory. */
  let localApi: RunningApi;
  let kolId: string;

  beforeAll(async () => {
    const name = await fillWarmSchema(DATABASE, 'iceberg');
    const schema = `iceberg.${name}`;
    if (catalog === 'hive') await createHiveSchema(name, schema);
    harness = await warmHarness(DATABASE, {
      ...{ TRINO_CATALOG: catalog, TRINO_SCHEMA: name, WARM_SETTLE_SECONDS: '0.5' },
    });
    if (catalog === 'hive') await harness.trino(`DROP SCHEMA ${schema} CASCADE`);
    await harness.redis.flushdb();
    await warm();
    const { REDIS_URL, TRINO_USER, TRINO_CATALOG, TRINO_SCHEMA } = harness.config;
    const config = { REDIS_URL, TRINO_USER, TRINO_CATALOG, TRINO_SCHEMA };
    [api, localApi] = [
      await startApi(config),
      await startApi({ ...config, API_L1_MEGABYTES: '16', API_L1_TTL_SECONDS: '600' }),
    ];
    [[kolId = '']] = (await harness.trino(
      `SELECT max(kol_id) FROM ${harness.schema}.kol_profiles WHERE platform = 'tiktok'`,
    )) as [[string]];
  });
  afterAll(async () => {
    await Promise.all([api.close(), localApi.close()]);
    await harness.redis.flushdb();
    await harness.stop();
  });

  const warm = (more: { readonly force?: boolean } = {}) =>
    harness.warm({
      parts: ['profiles', 'rankings', 'trending', 'stats', 'lists', 'search'],
      allProfiles: true,
      ...more,
    });
  const profilePath = () => `/api/v1/kols/${encodeURIComponent(kolId)}`;
  /** The tables that an answer must name, by path. */
  const paths = async () => {
    const [day] = (await harness.redis.keys('stats:daily:*')).map((key) => key.split(':').at(-1));
    const [item = ''] = await harness.redis.lrange('content:trending:all:50', 0, 0);
    return {
      [profilePath()]: ['kol_profiles'],
      '/api/v1/kols?limit=1': ['kol_profiles'],
      '/api/v1/kols/top': ['kol_profiles', 'kol_content'],
      '/api/v1/stats': ['kol_profiles', 'kol_content'],
      [`/api/v1/stats/daily/${day}`]: ['kol_profiles', 'kol_content'],
      // Events change them.
      '/api/v1/content/trending': [],
      [`/api/v1/content/${encodeURIComponent(item)}`]: [],
      '/api/v1/kols/top?expand=profile': [],
      // It is built from several sets.
      '/api/v1/search?q=a': [],
    };
  };
  const versionOf = async (path: string, from = api) => (await from.get(path)).headers.get(HEADER);
  const untilVersionIsKnown = (from: RunningApi) =>
    until('the record of the warms is known', async () => (await versionOf(profilePath(), from)) !== null);

  /** The current version of a table, from its catalog. */
  async function currentVersion(table: string): Promise<RegExp> {
    if (catalog === 'hive') return new RegExp(`${table}="files [0-9a-f]+"`);
    const [[id] = []] = await harness.trino(
      `SELECT CAST(snapshot_id AS VARCHAR) FROM ${harness.schema}."${table}$snapshots" ORDER BY committed_at DESC LIMIT 1`,
    );
    return new RegExp(`${table}="snapshot ${String(id)} since [-0-9T:.]+Z"`);
  }

  test('of each kind that only warms make, from Redis and from L1', async () => {
    for (const from of [api, localApi]) {
      await untilVersionIsKnown(from);
      for (const [path, tables] of Object.entries(await paths())) {
        for (const _ of ['Redis', 'L1 or Redis', 'L1 or Redis']) {
          const answer = await from.get(path);
          const version = answer.headers.get(HEADER);
          if (tables.length === 0) expect(version, path).toBeNull();
          for (const table of tables) expect(version, path).toMatch(await currentVersion(table));
        }
      }
    }
    expect(cacheStatus(await localApi.get(profilePath()))).toMatch(/^kol-l1; hit/);
  });

  test('and its Age counts from the last warm that read or confirmed the value', async () => {
    await untilVersionIsKnown(api);
    await sleep(3000);
    const ageOf = async (path: string) => Number((await api.get(path)).headers.get('age'));
    const confirmed = ['/api/v1/kols/top', '/api/v1/content/trending', '/api/v1/search?q=a'];
    const before = await Promise.all(confirmed.map(ageOf));
    expect(Math.min(...before)).toBeGreaterThanOrEqual(3);
    expect((await warm()).renewed).toBeGreaterThan(0);
    for (const [index, path] of confirmed.entries())
      await until(`the warm of ${path} is known`, async () => (await ageOf(path)) < (before[index] ?? 0));
  });

  test('with no command of Redis for it: one check in 5 s serves all reads', async () => {
    await untilVersionIsKnown(api);
    const monitor = await harness.redis.monitor();
    let checks = 0;
    let reads = 0;
    monitor.on('monitor', (_, [command = '', key]: string[]) => {
      if (command.toLowerCase() !== 'hgetall') return;
      if (key === 'cache:metadata') checks += 1;
      if (key === `kol:profile:${kolId}`) reads += 1;
    });
    try {
      const startedAt = performance.now();
      for (let read = 0; read < 200; read += 1) await api.get(profilePath());
      await until('Redis has reported all reads', () => Promise.resolve(reads >= 200));
      const seconds = (performance.now() - startedAt) / 1000;
      expect(checks).toBeLessThanOrEqual(1 + seconds / 5);
    } finally {
      monitor.disconnect();
    }
  });

  test('which a value does not have that a later miss has read', async () => {
    await untilVersionIsKnown(api);
    await harness.redis.del(`kol:profile:${kolId}`, 'kol:top:followers:all:100', 'stats:platform');
    for (const path of [profilePath(), '/api/v1/kols/top', '/api/v1/stats']) {
      const answers = [await api.get(path), await api.get(path)];
      expect(answers.map(cacheStatus), path).toEqual([
        expect.stringContaining('fwd=uri-miss; stored'),
        expect.stringContaining('kol-redis; hit'),
      ]);
      expect(
        answers.map(({ headers }) => headers.get(HEADER)),
        path,
      ).toEqual([null, null]);
    }
  });

  test('which changes with the next load and warm', async () => {
    await warm({ force: true });
    await until('the profile is of a warm', async () => (await versionOf(profilePath())) !== null);
    const before = await versionOf(profilePath());
    const columns = (await harness.trino(`SHOW COLUMNS FROM ${harness.schema}.kol_profiles`)).map(([name]) =>
      name === 'kol_id' ? `'loaded-later'` : String(name),
    );
    await harness.trino(
      `INSERT INTO ${harness.schema}.kol_profiles SELECT ${columns.join(', ')} FROM ${harness.schema}.kol_profiles LIMIT 1`,
    );
    expect(await versionOf(profilePath())).toBe(before);
    await warm();
    for (const path of [profilePath(), '/api/v1/kols/loaded-later', '/api/v1/kols/top']) {
      const isNew = async () => {
        const version = (await versionOf(path)) ?? '';
        return version.includes('kol_profiles=') && !version.includes(before ?? '');
      };
      await until(`${path} names the new version`, isNew);
      expect(await versionOf(path)).toMatch(await currentVersion('kol_profiles'));
    }
  });
});
