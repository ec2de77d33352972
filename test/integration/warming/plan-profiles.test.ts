import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { TableChangedError } from '../../../clients/lakehouse/table-changed.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { smallSplits, type SmallSplits } from '../../support/small-splits.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const ALL_PROFILES = { parts: ['profiles'], allProfiles: true } as const;

let harness: WarmHarness;
let splits: SmallSplits;
/** Reads of the lakehouse that a test replaces. */
let change: Partial<Lakehouse> = {};
beforeAll(async () => {
  harness = await warmHarness(10, {}, () => ({
    planProfiles: (args) => splits.planProfiles(args),
    warmProfileSplit: (args) => splits.warmProfileSplit(args),
  }));
  await harness.redis.flushdb();
  const options = { rowsPerSplit: 100_000, parallelSplits: 1, writesPerSecond: 0 };
  splits = await smallSplits(harness.config, options, (real) => ({
    profilesOfFiles: (...args) => (change.profilesOfFiles ?? real.profilesOfFiles)(...args),
  }));
});
afterAll(async () => {
  await splits.close();
  await harness.stop();
});

test('a forced warm of the last version lists no files again, because a version always has the same ones', async () => {
  await harness.warm(ALL_PROFILES);
  await harness.newQueries();
  const { parts } = await harness.warm({ ...ALL_PROFILES, force: true });
  expect(parts[0]?.rowsRead).toBeGreaterThan(0);
  const queries = (await harness.newQueries()).map(({ sql }) => sql);
  expect(queries.some((sql) => sql.includes('$refs"'))).toBe(true);
  expect(queries.filter((sql) => sql.includes('$files"'))).toEqual([]);
});

test('a warm whose files keep changing reports that they do not settle', async () => {
  const { trino, schema } = harness;
  await trino(`INSERT INTO ${schema}.kol_profiles (kol_id, platform) VALUES ('new', 'tiktok')`);
  let reads = 0;
  change = {
    profilesOfFiles() {
      reads += 1;
      throw new TableChangedError([profile.table]);
    },
  };
  const failure = await harness.failure(ALL_PROFILES);
  change = {};
  expect(failure.message).toContain('were changed during each of several reads');
  expect(reads).toBe(4);
});
