import { afterAll, beforeAll, expect, test } from 'vitest';
import { damageIcebergColumn } from '../../support/damage-column.ts';
import { fillWarmSchema, warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const DATABASE = 11;

let harness: WarmHarness;
beforeAll(async () => {
  const name = await fillWarmSchema(DATABASE, 'iceberg');
  await damageIcebergColumn(name, 'kol_profiles', 'display_name');
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
