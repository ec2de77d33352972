import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { allKeys } from '../../support/redis.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const PROFILES = { parts: ['profiles'], allProfiles: true } as const;

let harness: WarmHarness;
/** The changes of a load between the plan of the profiles and their first split. */
let beforeSplit: () => Promise<unknown>;
beforeAll(async () => {
  harness = await warmHarness(12, {}, (real) => ({
    async warmProfileSplit(args) {
      await beforeSplit();
      return real.warmProfileSplit(args);
    },
  }));
  const { trino, schema } = harness;
  await trino(`CREATE TABLE ${schema}.all_profiles AS SELECT * FROM ${schema}.kol_profiles`);
});
afterAll(() => harness.stop());
beforeEach(async () => {
  const { trino, schema, redis } = harness;
  beforeSplit = () => Promise.resolve();
  await trino(`CREATE OR REPLACE TABLE ${schema}.kol_profiles AS SELECT * FROM ${schema}.all_profiles`);
  await redis.flushdb();
});

const profileKeys = async () =>
  (await allKeys(harness.redis)).filter((key) => key.startsWith('kol:profile:'));

test.each([
  ['deletes rows', (table: string) => `DELETE FROM ${table} WHERE platform = 'tiktok'`],
  [
    'replaces the table',
    (table: string) =>
      `CREATE OR REPLACE TABLE ${table} AS SELECT * FROM ${table.replace('kol_', 'all_')} WHERE platform <> 'tiktok'`,
  ],
])('the splits of a warm read the snapshot of its plan, also when a load %s meanwhile', async (_, load) => {
  const { trino, schema } = harness;
  await harness.warm(PROFILES);
  const before = await profileKeys();
  beforeSplit = () => trino(load(`${schema}.kol_profiles`));

  const during = await harness.warm({ ...PROFILES, force: true });

  expect(during.parts[0]).toMatchObject({
    rowsRead: before.length,
    renewed: before.length,
    removed: 0,
  });
  expect(await profileKeys()).toEqual(before);

  // the load created a new snapshot, so the next warm reads the table again
  beforeSplit = () => Promise.resolve();
  const after = await harness.warm(PROFILES);
  expect(after.parts[0]).toMatchObject({ rowsRead: before.length - 48, removed: 48 });
});

test('a table that is dropped and created again during a warm is planned again, and no part fails', async () => {
  const { trino, schema } = harness;
  await harness.warm(PROFILES);
  const before = await profileKeys();
  let loads = 0;
  beforeSplit = async () => {
    if ((loads += 1) > 1) return;
    await trino(`DROP TABLE ${schema}.kol_profiles`);
    await trino(
      `CREATE TABLE ${schema}.kol_profiles AS SELECT * FROM ${schema}.all_profiles WHERE platform <> 'tiktok'`,
    );
  };
  const { parts } = await harness.warm({ ...PROFILES, force: true });
  expect(parts[0]).toMatchObject({ removed: 48, cached: before.length - 48 });
  expect(loads).toBe(2);
});

test('a table whose column was renamed without a new snapshot is read in its current state, and counts as changed', async () => {
  const { trino, schema, redis } = harness;
  await harness.warm(PROFILES);
  const [[id, bio] = []] = await trino(
    `SELECT kol_id, description FROM ${schema}.kol_profiles WHERE description <> '' LIMIT 1`,
  );
  await trino(`ALTER TABLE ${schema}.kol_profiles RENAME COLUMN description TO bio`);
  for (let round = 1; round <= 2; round += 1) {
    const { parts } = await harness.warm(PROFILES);
    expect(parts[0]?.rowsRead).toBeGreaterThan(0);
    expect(await redis.hget(`kol:profile:${String(id)}`, 'bio')).toBe(bio);
  }

  await trino(`UPDATE ${schema}.kol_profiles SET bio = 'new' WHERE kol_id = '${String(id)}'`);
  await harness.warm(PROFILES);
  expect(await redis.hget(`kol:profile:${String(id)}`, 'bio')).toBe('new');
  expect((await harness.warm(PROFILES)).parts[0]).toMatchObject({ rowsRead: 0 });
});

test('a view has no version, so a row that it lacks is not removed: a load may still be writing it', async () => {
  const { trino, schema } = harness;
  await harness.warm(PROFILES);
  const before = await profileKeys();
  const [[lost] = []] = await trino(
    `SELECT kol_id FROM ${schema}.all_profiles WHERE platform = 'tiktok' LIMIT 1`,
  );
  await trino(`DROP TABLE ${schema}.kol_profiles`);
  await trino(
    `CREATE VIEW ${schema}.kol_profiles AS SELECT * FROM ${schema}.all_profiles WHERE platform <> 'tiktok'`,
  );
  const { parts } = await harness.warm(PROFILES);
  const ofIds = await harness.warm({ scopes: { profiles: { ids: [String(lost)] } } });
  await trino(`DROP VIEW ${schema}.kol_profiles`);
  for (const { removed, skipped } of [...parts, ...ofIds.parts]) {
    expect(removed).toBe(0);
    expect(skipped.join()).toContain('nothing removed: the version of a table is not known');
  }
  expect(await profileKeys()).toEqual(before);
});
