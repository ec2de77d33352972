import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { allKeys } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

let harness: WarmHarness;
beforeAll(async () => {
  // Some 420 rows: at this rate they take more than half a minute.
  harness = await warmHarness(4, {
    ...{ WARM_TRINO_QUERIES: '2', WARM_WRITES_PER_SECOND: '10', WARM_PROFILES: '60' },
  });
  // Long texts, so that Trino sends several pages, and a query stays open while they are written.
  const { trino, schema } = harness;
  const columns = (await trino(`SHOW COLUMNS FROM ${schema}.kol_profiles`)).map(([name]) =>
    name === 'description' ? `rpad('x', 20000, 'x') AS description` : String(name),
  );
  await trino(
    `CREATE TABLE ${schema}.long_profiles AS SELECT ${columns.join(', ')} FROM ${schema}.kol_profiles`,
  );
  await trino(`DROP TABLE ${schema}.kol_profiles`);
  await trino(`ALTER TABLE ${schema}.long_profiles RENAME TO ${schema}.kol_profiles`);
});
afterAll(() => harness.stop());
beforeEach(() => harness.redis.flushdb());

const countProfiles = async () =>
  (await allKeys(harness.redis)).filter((key) => key.startsWith('kol:profile:')).length;

test('hot profiles are written in chunks of a second, not in pages', async () => {
  const hot = await harness.start({ parts: ['profiles'] });
  await until('hot profiles are written', async () => (await countProfiles()) > 0);
  expect(await countProfiles()).toBeLessThan(40);
  await hot.result();
  expect(await countProfiles()).toBe(60);
});

test('splits at a limited rate leave a query to the other parts', async () => {
  const profiles = await harness.start({ parts: ['profiles'], allProfiles: true });
  await until('profiles are written', async () => (await countProfiles()) > 20);
  await harness.warm({ parts: ['rankings'] });
  expect(await countProfiles()).toBeLessThan(300);
  await profiles.cancel();
  await expect(profiles.result()).rejects.toThrow();
});
