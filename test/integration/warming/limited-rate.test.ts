import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { rateSamples } from '../../support/rate-samples.ts';
import { allKeys } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const PER_SECOND = 5;

let harness: WarmHarness;
beforeAll(async () => {
  // Some 420 rows: at this rate they take more than a minute.
  harness = await warmHarness(4, {
    ...{ WARM_TRINO_QUERIES: '2', WARM_WRITES_PER_SECOND: String(PER_SECOND), WARM_PROFILES: '30' },
  });
  // Long texts, so that Trino sends several pages, and a query stays open while they are written.
  const { trino, schema } = harness;
  const columns = (await trino(`SHOW COLUMNS FROM ${schema}.kol_profiles`)).map(([name]) =>
    name === 'description' ? `rpad(kol_id, 40000, kol_id) AS description` : String(name),
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

test('hot profiles are written in chunks of a second, not in pages, and renewed at the rate too', async () => {
  const hot = await harness.start({ parts: ['profiles'] });
  const samples = rateSamples(countProfiles);
  await until('hot profiles are written', async () => (await samples.take()) === 30);
  samples.expectAtMost(PER_SECOND);
  await hot.result();
  expect(await countProfiles()).toBe(30);

  const [unchanged] = (await harness.warm({ parts: ['profiles'] })).parts;
  expect(unchanged).toMatchObject({ rowsRead: 0, renewed: 30 });
  // 30 at 5 a second take 6 s.
  expect(unchanged?.durationMs).toBeGreaterThan(5000);
});

// At the rate, both dry runs together take 90 s.
test('a dry run is not slowed, because it writes nothing', { timeout: 60_000 }, async () => {
  const [hot] = (await harness.warm({ parts: ['profiles'], dryRun: true })).parts;
  expect(hot?.keys).toBe(30);
  const [all] = (await harness.warm({ parts: ['profiles'], allProfiles: true, dryRun: true })).parts;
  expect(all?.keys).toBeGreaterThan(300);
  expect(await countProfiles()).toBe(0);
});

test('splits at a limited rate leave one query for the other parts', async () => {
  const { trino, config } = harness;
  const run = await harness.start({ parts: ['profiles'], allProfiles: true });
  // Three seconds: all splits that may run have begun.
  await until('profiles are written', async () => (await countProfiles()) > 15);
  const open = await trino(
    `SELECT query FROM system.runtime.queries WHERE "user" = '${config.TRINO_USER}' AND state NOT IN ('FINISHED', 'FAILED')`,
  );
  // Of two that may run.
  expect(open).toHaveLength(1);
  await run.cancel();
  await expect(run.result()).rejects.toThrow();
});
