import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createReadCounter } from '../../../cache/popularity/read-counter.ts';
import { profile } from '../../../domain/entities/profile.ts';
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
  const counter = createReadCounter(redis, () => {});
  for (let read = 0; read < 5; read += 1) counter.count(String(id));
  await counter.close();
  expect((await harness.warm({ parts: ['profiles'] })).parts[0]).toMatchObject({ rowsRead: 1, keys: 1 });
  expect(await redis.hget(key, 'username')).not.toBe('of another version');
});
