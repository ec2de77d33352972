import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lakehouseFolder } from '../../../engines/definitions/trino.ts';
import { stackPaths, testStackFolder } from '../../../engines/paths.ts';
import { damageColumn } from '../../support/damage-column.ts';
import { testEngines } from '../../support/test-engines.ts';
import { queryColumn } from '../../support/trino.ts';
import { fillWarmSchema, warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const DATABASE = 11;

let harness: WarmHarness;
beforeAll(async () => {
  // damage the files before Trino reads them, because it caches data that it has read
  const name = await fillWarmSchema(DATABASE, 'iceberg');
  const folder = lakehouseFolder(stackPaths(testStackFolder), 'iceberg');
  const paths = await queryColumn(
    testEngines().TRINO_URL,
    `SELECT file_path AS path FROM iceberg.${name}."kol_profiles$files"`,
  );
  const files = paths.map((path) => join(folder, path.replace('local:///', '')));
  expect(files).not.toEqual([]);
  for (const file of files) await writeFile(file, damageColumn(await readFile(file), 'display_name'));
  harness = await warmHarness(DATABASE, { TRINO_CATALOG: 'iceberg', TRINO_SCHEMA: name });
  await harness.redis.flushdb();
});
afterAll(() => harness.stop());

test('a damaged column of an Iceberg table is cached as unknown, and the rest of its rows is cached', async () => {
  const report = await harness.warm({ parts: ['profiles', 'lists'], allProfiles: true });
  expect(report.warnings.join()).toMatch(
    /kol_profiles\.display_name cannot be read, and is cached as unknown: \w+: ./,
  );
  const [[rows] = []] = await harness.trino(`SELECT count(*) FROM ${harness.schema}.kol_profiles`);
  const keys = await harness.redis.keys('kol:profile:*');
  expect(keys).toHaveLength(Number(rows));
  const cached = await harness.redis.hgetall(keys[0] ?? '');
  expect(cached['display_name']).toBe('');
  expect(cached['followers_count']).not.toBe('');
});
