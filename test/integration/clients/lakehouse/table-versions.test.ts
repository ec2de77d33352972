import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSilverCatalog } from '../../../../clients/lakehouse/silver-catalog.ts';
import { createVersionReads } from '../../../../clients/lakehouse/table-versions.ts';
import { createTrino, type Trino } from '../../../../clients/lakehouse/trino.ts';
import { testConfig } from '../../../support/dependencies.ts';
import { createHiveSchema } from '../../../support/hive-schema.ts';
import { queryTrino } from '../../../support/trino.ts';
import { fillWarmSchema } from '../../../support/warm-harness.ts';

const DATABASE = 14;
const { TRINO_URL } = testConfig(DATABASE);
const sql = (text: string) => queryTrino(TRINO_URL, text);

let name: string;
beforeAll(async () => {
  name = await fillWarmSchema(DATABASE, 'iceberg');
  await createHiveSchema(name, `iceberg.${name}`);
});
afterAll(async () => {
  await sql(`DROP SCHEMA hive.${name} CASCADE`);
  await sql(`DROP SCHEMA iceberg.${name} CASCADE`);
});

/** Reads versions with a Trino whose queries are counted, and whose catalog `silver` has tables of one connector or of the other. */
function readVersions() {
  let connector = 'hive';
  const sent: string[] = [];
  const trino = createTrino({ url: TRINO_URL, user: 'test', queryTimeoutSeconds: 30 });
  const inCatalog = (text: string): string => {
    sent.push(text);
    return text.replaceAll('"silver"', `"${connector}"`);
  };
  const counted: Trino = {
    rows: (text, options) => trino.rows(inCatalog(text), options),
    pages: (text, options) => trino.pages(inCatalog(text), options),
  };
  const silver = createSilverCatalog(counted, { catalog: 'silver', schema: name });
  const read = createVersionReads(counted, silver).tableVersions;
  return {
    change: (to: 'hive' | 'iceberg') => (connector = to),
    /** The kind of the version of the table, and the number of queries for it. */
    kindOf: async (table: 'kol_profiles' | 'kol_content') => {
      await silver.source();
      sent.length = 0;
      const { [table]: version } = await read([table]);
      return [version?.kind, sent.length];
    },
  };
}

test('the version of a Hive table costs one query, once its kind is known', async () => {
  const { kindOf } = readVersions();
  expect(await kindOf('kol_profiles')).toEqual(['files', 2]);
  for (let round = 1; round <= 3; round += 1) expect(await kindOf('kol_profiles')).toEqual(['files', 1]);
  expect(await kindOf('kol_content')).toEqual(['files', 2]);
  expect(await kindOf('kol_content')).toEqual(['files', 1]);
});

test('a table that changes its kind is known by the other one after one refused query', async () => {
  const { kindOf, change } = readVersions();
  await kindOf('kol_profiles');
  expect(await kindOf('kol_profiles')).toEqual(['files', 1]);
  change('iceberg');
  // The files, which Trino refuses; the snapshot, and its columns, which are checked once.
  expect(await kindOf('kol_profiles')).toEqual(['snapshot', 3]);
  expect(await kindOf('kol_profiles')).toEqual(['snapshot', 1]);
  change('hive');
  expect(await kindOf('kol_profiles')).toEqual(['files', 2]);
  expect(await kindOf('kol_profiles')).toEqual(['files', 1]);
});

test('a view has no version, and becomes a table again', async () => {
  const { kindOf } = readVersions();
  await kindOf('kol_profiles');
  await sql(`ALTER TABLE hive.${name}.kol_profiles RENAME TO hive.${name}.real_profiles`);
  await sql(`CREATE VIEW hive.${name}.kol_profiles AS SELECT * FROM hive.${name}.real_profiles`);
  expect(await kindOf('kol_profiles')).toEqual(['unknown', 2]);
  await sql(`DROP VIEW hive.${name}.kol_profiles`);
  await sql(`ALTER TABLE hive.${name}.real_profiles RENAME TO hive.${name}.kol_profiles`);
  expect((await kindOf('kol_profiles'))[0]).toBe('files');
});
