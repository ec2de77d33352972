import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createReadCounter } from '../../../cache/popularity/read-counter.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { copyRows } from '../../support/change-table.ts';
import { allKeys } from '../../support/redis.ts';
import { smallSplits, type SmallSplits } from '../../support/small-splits.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const options = { rowsPerSplit: 1000, parallelSplits: 1, writesPerSecond: 0, fixedRoom: 20, perPlatform: 5 };

let harness: WarmHarness;
/** Those that keep 20 profiles warm; a test may replace them. */
let splits: SmallSplits;
let real: SmallSplits;
beforeAll(async () => {
  harness = await warmHarness(9, {}, () => ({
    planProfiles: (args) => splits.planProfiles(args),
    warmHotProfiles: (args) => splits.warmHotProfiles(args),
  }));
});
afterAll(() => harness.stop());
beforeEach(async () => {
  await harness.redis.flushdb();
  real = await smallSplits(harness.config, options);
  splits = real;
});
afterEach(() => real.close());

test('a hot profile that a reader caches again during or after a warm is not missing', async () => {
  const { redis } = harness;
  const cacheAgain = (key: string) => redis.hset(key, 'cached_at', new Date(Date.now() + 1).toISOString());
  const profileKeys = async () => (await allKeys(redis)).filter((key) => key.startsWith(profile.key('')));
  let runs = 0;
  splits = {
    ...real,
    async warmHotProfiles(args) {
      runs += 1;
      const report = await real.warmHotProfiles(args);
      const [first = ''] = await profileKeys();
      await cacheAgain(first);
      return report;
    },
  };
  const first = await harness.warm({ parts: ['profiles'] });
  expect(runs).toBe(1);
  expect(first).toMatchObject({ keys: 20, warnings: [], parts: [{ cached: 20 }] });

  await cacheAgain((await profileKeys())[1] ?? '');
  const again = await harness.warm({ parts: ['profiles'] });
  expect(again.parts[0]).toMatchObject({ rowsRead: 0, renewed: 20 });

  // A profile that the warm did not choose replaces none.
  const [gone = '', kept = ''] = await profileKeys();
  await redis.copy(kept, profile.key('another'));
  await cacheAgain(profile.key('another'));
  await redis.del(gone);
  expect((await harness.warm({ parts: ['profiles'] })).parts[0]).toMatchObject({ rowsRead: 20, keys: 1 });
});

/** Counts some reads of a profile, so that it is hot at the next warm. */
async function read(id: string): Promise<void> {
  const counter = createReadCounter(harness.redis, () => {});
  for (let reads = 0; reads < 5; reads += 1) counter.count(id);
  await counter.close();
}

test('a profile that becomes hot is read again when it was cached before the last warm', async () => {
  const { redis, trino, schema } = harness;
  const [[id] = []] = await trino(`SELECT min_by(kol_id, followers_count) FROM ${schema}.kol_profiles`);
  const key = profile.key(String(id));
  await redis.hset(key, {
    kol_id: String(id),
    username: 'of another version',
    cached_at: '2026-01-01T00:00:00.000Z',
  });
  await redis.expire(key, 3000);
  await harness.warm({ parts: ['profiles'] });
  expect(await redis.hget(key, 'username')).toBe('of another version');
  await read(String(id));
  expect((await harness.warm({ parts: ['profiles'] })).parts[0]).toMatchObject({ rowsRead: 1, keys: 1 });
  expect(await redis.hget(key, 'username')).not.toBe('of another version');
});

test('a warm with room for more profiles than there are ids, but not rows, takes no repeated id for a read that was cut short', async () => {
  const { trino, schema } = harness;
  const table = `${schema}.kol_profiles`;
  const [[ids] = []] = await trino(`SELECT count(DISTINCT kol_id) FROM ${table}`);
  splits = await smallSplits(harness.config, { ...options, fixedRoom: 2.5 * Number(ids) });
  const processed_at = `'2001-01-01T00:00:00Z'`;
  const copy = (where: string) =>
    copyRows(trino, { from: table, to: table, changes: { processed_at }, where });
  await copy('true');
  await copy(`processed_at <> ${processed_at}`);
  const [profiles] = (await harness.warm({ parts: ['profiles'] })).parts;
  await splits.close();
  expect(profiles).toMatchObject({ rowsRead: Number(ids), cached: Number(ids) });
  await trino(`DELETE FROM ${table} WHERE processed_at = ${processed_at}`);
});

test('a profile of the last warm that is missing is noticed, also while one that lost its room is still cached', async () => {
  const { redis, trino, schema } = harness;
  const [[id] = []] = await trino(`SELECT min_by(kol_id, followers_count) FROM ${schema}.kol_profiles`);
  const warm = async () => (await harness.warm({ parts: ['profiles'] })).parts[0];
  await warm();
  await read(String(id));
  const earlier = await redis.keys(profile.key('*'));
  for (const key of earlier) await redis.expire(key, 300);
  expect(await warm()).toMatchObject({ rowsRead: 1, cached: 20 });
  const ttls = await Promise.all(earlier.map((key) => redis.ttl(key)));
  const [kept = '', ...others] = earlier.filter((_, index) => (ttls[index] ?? 0) > 300);
  expect(others).toHaveLength(18);
  await redis.del(kept);
  expect((await warm())?.rowsRead).toBeGreaterThan(1);
});

/** The last test of this file: it deletes most rows. */
test('a profile that became hot after the last read is one of the warm, also when the next read is refused', async () => {
  const { redis, trino, schema } = harness;
  const [[id] = []] = await trino(`SELECT min_by(kol_id, followers_count) FROM ${schema}.kol_profiles`);
  const warm = async () => (await harness.warm({ parts: ['profiles'] })).parts[0];
  const profiles = async () => (await allKeys(redis)).filter((key) => key.startsWith(profile.key('')));
  const shortenTtls = async () => {
    for (const key of await profiles()) await redis.expire(key, 300);
  };
  const notRenewed = async () => {
    const keys = await profiles();
    const ttls = await Promise.all(keys.map((key) => redis.ttl(key)));
    return keys.filter((_, index) => (ttls[index] ?? 0) <= 300);
  };
  await warm();
  await read(String(id));
  expect(await warm()).toMatchObject({ rowsRead: 1, cached: 20 });
  await shortenTtls();
  expect(await warm()).toMatchObject({ rowsRead: 0, renewed: 20 });
  const [displaced = '', ...more] = await notRenewed();
  expect(more).toEqual([]);
  // It has lost its room to the profile that became hot, so it is not missing.
  await redis.del(displaced);
  expect(await warm()).toMatchObject({ rowsRead: 0, renewed: 20 });

  await trino(`DELETE FROM ${schema}.kol_profiles WHERE platform = 'twitter'`);
  await shortenTtls();
  expect((await harness.failure({ parts: ['profiles'] })).message).toMatch(/20 keys are kept until/);
  expect(await notRenewed()).toEqual([]);
});
