import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClients } from '../../../clients/create-clients.ts';
import { createLogger } from '../../../clients/logger.ts';
import type { WarmReport } from '../../../contract/warm-cache.ts';
import { warmParts } from '../../../domain/warming/warm-parts.ts';
import { workerProfile } from '../../../workers/create-activities.ts';
import { hiveFiles } from '../../support/hive-files.ts';
import { createHiveSchema } from '../../support/hive-schema.ts';
import { allKeys } from '../../support/redis.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';
import { testEngines } from '../../support/test-engines.ts';

const DATABASE = 14;
const SETTLE = { WARM_SETTLE_SECONDS: '0.5' };
let harness: WarmHarness;
let name: string;
/** The cache after a warm of the same rows in Iceberg tables. */
let fromIceberg: Map<string, unknown>;
let onIceberg: WarmReport;
beforeAll(async () => {
  const iceberg = await warmHarness(DATABASE);
  try {
    await iceberg.redis.flushdb();
    // Content that is new for less than another hour could stop to trend between the warms that are compared.
    await iceberg.trino(
      `DELETE FROM ${iceberg.schema}.kol_content WHERE from_iso8601_timestamp(posted_at) BETWEEN now() - INTERVAL '25' HOUR AND now() - INTERVAL '23' HOUR`,
    );
    onIceberg = await iceberg.warm({ allProfiles: true });
    fromIceberg = await cachedValues(iceberg);
    name = await createHiveSchema(`hive_${process.pid}`, iceberg.schema);
    await iceberg.redis.flushdb();
  } finally {
    await iceberg.stop();
  }
  harness = await warmHarness(DATABASE, { TRINO_CATALOG: 'hive', TRINO_SCHEMA: name, ...SETTLE });
});
afterAll(() => harness.stop());

/** All values without what depends on the time of the warm or the kind of the tables. */
async function cachedValues({ redis }: WarmHarness): Promise<Map<string, unknown>> {
  const values = new Map<string, unknown>();
  for (const key of await allKeys(redis)) {
    if (key === 'cache:metadata') continue;
    const type = await redis.type(key);
    if (type === 'hash') {
      const {
        cached_at: _,
        last_updated: __,
        version: ___,
        warmed_at: ____,
        ...fields
      } = await redis.hgetall(key);
      values.set(key, fields);
    } else if (type === 'zset') values.set(key, await redis.zrange(key, '0', '-1', 'WITHSCORES'));
    else if (type === 'list') values.set(key, await redis.lrange(key, 0, -1));
    else values.set(key, await redis.get(key));
  }
  return values;
}

const partsRead = ({ parts }: WarmReport) =>
  parts.filter(({ rowsRead }) => rowsRead > 0).map(({ part }) => part);

describe('a warm of Hive tables', () => {
  test('gives the same cache as a warm of the same rows in Iceberg tables', async () => {
    const report = await harness.warm({ allProfiles: true });
    expect(report).toMatchObject({ keys: onIceberg.keys, removed: 0, warnings: [] });
    expect(partsRead(report)).toEqual(warmParts);
    expect(await cachedValues(harness)).toEqual(fromIceberg);
  });

  test('reads nothing while the files are the same', async () => {
    const report = await harness.warm({ allProfiles: true });
    expect(partsRead(report)).toEqual([]);
    expect(report).toMatchObject({ renewed: onIceberg.keys, keys: 0 });
  });

  test('reads the parts of a table whose files were written again, with the same rows', async () => {
    const files = hiveFiles(name, 'kol_profiles');
    const old = await files.read();
    expect(old.size).toBe(4);
    await files.clear();
    await files.write(old.values());
    const report = await harness.warm({ allProfiles: true });
    expect(partsRead(report)).toEqual(['profiles', 'rankings', 'stats', 'search', 'lists']);
    expect(report).toMatchObject({ removed: 0, warnings: [] });
    expect(await cachedValues(harness)).toEqual(fromIceberg);
  });

  test('notices a new partition, and removes the rows of one that was dropped', async () => {
    const { trino, schema, redis } = harness;
    await trino(
      `INSERT INTO ${schema}.kol_content SELECT content_id || '-new', kol_id, content_type, title, description, views, likes, comments, shares, engagement_rate, duration_seconds, posted_at, hashtags, source, processed_at, 'twitch' FROM ${schema}.kol_content WHERE platform = 'tiktok' LIMIT 20`,
    );
    await harness.warm({ parts: ['stats', 'trending', 'rankings'] });
    expect(await redis.hget('stats:platform', 'content_twitch')).toBe('20');
    const trending = await redis.lrange('content:trending:twitch:50', 0, -1);
    expect(trending.length).toBeGreaterThan(0);

    await trino(`DELETE FROM ${schema}.kol_content WHERE platform = 'twitch'`);
    await harness.warm({ parts: ['stats', 'trending', 'rankings'], allowShrink: true });
    expect(await redis.exists('content:trending:twitch:50', `content:detail:${trending[0] ?? ''}`)).toBe(0);
  });

  test('reads a view each time, because it has no files of its own', async () => {
    const { trino, schema } = harness;
    await trino(`CREATE TABLE ${schema}.real_profiles AS SELECT * FROM ${schema}.kol_profiles`);
    await trino(`DROP TABLE ${schema}.kol_profiles`);
    await trino(`CREATE VIEW ${schema}.kol_profiles AS SELECT * FROM ${schema}.real_profiles`);
    for (let round = 1; round <= 2; round += 1)
      expect(partsRead(await harness.warm({ parts: ['lists'] }))).toEqual(['lists']);
    // a filter of its ids could not be checked for being current
    await harness.warm({ parts: ['search'] });
    expect(await harness.redis.exists('cache:known-ids:kol_profiles')).toBe(0);
    await trino(`DROP VIEW ${schema}.kol_profiles`);
    await trino(`CREATE TABLE ${schema}.kol_profiles AS SELECT * FROM ${schema}.real_profiles`);
  });

  test('of ids reads, writes and removes only these', async () => {
    const { redis, trino, schema } = harness;
    const id = String((await trino(`SELECT max(kol_id) FROM ${schema}.kol_profiles`))[0]?.[0]);
    await redis.hset('kol:profile:gone', { kol_id: 'gone' });
    const report = await harness.warm({ scopes: { profiles: { ids: [id, 'gone'] } } });
    expect(report).toMatchObject({ keys: 0, renewed: 1, removed: 1 });
    expect(await redis.exists('kol:profile:gone')).toBe(0);
  });

  test('names a column that the table lacks', async () => {
    const { trino, schema } = harness;
    await trino(`ALTER TABLE ${schema}.kol_content RENAME TO ${schema}.full_content`);
    await trino(
      `CREATE TABLE ${schema}.kol_content AS SELECT content_id, kol_id FROM ${schema}.full_content`,
    );
    const failure = await harness.failure({ parts: ['trending'] });
    expect(failure.type).toBe('SourceSchemaMismatch');
    expect(failure.message).toContain('kol_content.views: found no such column');
  });
});

test('misses and features are read from Hive tables as from others', async () => {
  const { config, trino, schema } = harness;
  const { TRINO_CATALOG, TRINO_SCHEMA } = testEngines();
  await trino(
    `CREATE TABLE ${schema}.kol_trust_features AS SELECT * FROM ${TRINO_CATALOG}.${TRINO_SCHEMA}.kol_trust_features ORDER BY kol_id LIMIT 50`,
  );
  const clients = createClients(
    config,
    { ...workerProfile(config), snapshotFeatures: false },
    createLogger('test', config.LOG_LEVEL),
  );
  try {
    const [[id, followers] = []] = await trino(
      `SELECT kol_id, CAST(followers_count AS VARCHAR) FROM ${schema}.kol_trust_features ORDER BY kol_id LIMIT 1`,
    );
    const [features] = await clients.lakehouse().trustFeatures([String(id)]);
    expect(String(features?.followers_count)).toBe(followers);
    // A second row of the account, as an upsert leaves it: the newer one counts, wherever it is.
    const columns = (await trino(`SHOW COLUMNS FROM ${schema}.kol_trust_features`)).map(([column]) => {
      if (column === 'followers_count') return 'followers_count + 1';
      return column === 'processed_at' ? "'2030-01-01T00:00:00Z'" : String(column);
    });
    await trino(
      `INSERT INTO ${schema}.kol_trust_features SELECT ${columns.join(', ')} FROM ${schema}.kol_trust_features WHERE kol_id = '${String(id)}'`,
    );
    const again = await clients.lakehouse().trustFeatures([String(id)]);
    expect(again.map(({ followers_count }) => followers_count)).toEqual([Number(followers) + 1]);
    const [[kol, username] = []] = await trino(`SELECT kol_id, username FROM ${schema}.kol_profiles LIMIT 1`);
    const [profile] = await clients.lakehouse().profilesById([String(kol)]);
    expect(profile).toMatchObject({ kol_id: kol, username });
  } finally {
    await clients.close();
  }
});
