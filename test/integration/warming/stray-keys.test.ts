import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { PartWarm } from '../../../activities/warming/part-warm.ts';
import { scanRows } from '../../../activities/warming/scan-rows.ts';
import { addReads } from '../../../cache/popularity/read-counts.ts';
import { fenceKey, REMOVAL_FENCE } from '../../../cache/writing/read-fence.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { cachedFiles } from '../../../domain/entities/cached-files.ts';
import { content } from '../../../domain/entities/content.ts';
import { hotIds } from '../../../domain/entities/hot-ids.ts';
import { knownIds } from '../../../domain/entities/known-ids.ts';
import { cacheMetadata } from '../../../domain/entities/part-metadata.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { readsAtHour, recentReads } from '../../../domain/entities/read-counts.ts';
import { searchIndex } from '../../../domain/entities/search-index.ts';
import { trending } from '../../../domain/entities/trending.ts';
import { hourOfDay } from '../../../domain/warming/read-forecast.ts';
import type { WarmPart } from '../../../domain/warming/warm-parts.ts';
import { FORCED_WARM } from '../../support/forced-warm.ts';
import { keysWithoutTtl } from '../../support/redis.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const parts: WarmPart[] = ['profiles', 'trending', 'search'];

/** Keys under our names that somebody else has written, and that never expire. */
describe.each([
  ['all profiles', {}],
  ['hot profiles', { WARM_PROFILES: '20' }],
])('with %s warm, stray keys', (name, settings: Readonly<Record<string, string>>) => {
  let harness: WarmHarness;
  beforeAll(async () => {
    harness = await warmHarness(name === 'all profiles' ? 2 : 3, settings);
  });
  afterAll(() => harness.stop());
  beforeEach(() => harness.redis.flushdb());

  const warm = async (force = false) => (await harness.warm({ parts, force })).parts;

  test('of rows are removed or replaced by every warm', async () => {
    const { redis, trino, schema } = harness;
    const last = async (order: string) =>
      String((await trino(`SELECT kol_id FROM ${schema}.kol_profiles ORDER BY ${order} LIMIT 1`))[0]?.[0]);
    const [hot, cold] = [await last('followers_count DESC NULLS LAST'), await last('followers_count')];
    const scatter = async () => {
      await redis.set(profile.key('text'), 'x');
      await redis.hset(profile.key('without-time'), { kol_id: 'without-time' });
      await redis.hset(profile.key('for-ever'), {
        kol_id: 'for-ever',
        cached_at: '2999-01-01T00:00:00.000Z',
      });
      await redis.hset(content.key('without-time'), { content_id: 'without-time' });
      for (const id of [hot, cold]) {
        await redis.del(profile.key(id));
        await redis.lpush(profile.key(id), 'x');
      }
    };
    const expectNone = async () => {
      const strays = ['text', 'without-time', 'for-ever'].map(profile.key);
      expect(await redis.exists(...strays)).toBe(0);
      expect(await redis.type(profile.key(hot))).toBe('hash');
      expect(await redis.type(profile.key(cold))).not.toBe('list');
      expect(await keysWithoutTtl(redis)).toEqual([]);
    };
    await scatter();
    await warm();
    await expectNone();
    // The tables have not changed.
    await scatter();
    await warm();
    await redis.del(content.key('without-time')); // details are compared with the lakehouse only when it is read
    await expectNone();
    expect(await redis.exists(profile.key(cold))).toBe(name === 'all profiles' ? 1 : 0);
  });

  test('in the place of sets and fences are replaced, whether the tables have changed or not', async () => {
    const { redis } = harness;
    await warm();
    const sets = [searchIndex.key('tiktok'), trending.heatKey('tiktok')];
    for (const key of sets) {
      await redis.del(key);
      await redis.hset(key, 'a', 'b');
    }
    await warm();
    expect(await Promise.all(sets.map((key) => redis.type(key)))).toEqual(['zset', 'zset']);
    const fences = [...sets, content.key('for-ever'), profile.key('for-ever')].map(fenceKey);
    for (const key of [...fences, REMOVAL_FENCE]) {
      await redis.del(key);
      await redis.hset(key, 'a', 'b');
    }
    for (const { warnings, skipped } of await warm(true)) expect([...warnings, ...skipped]).toEqual([]);
    expect(await redis.type(sets.map(fenceKey)[0] ?? '')).toBe('string');
    expect(await redis.exists(REMOVAL_FENCE)).toBe(0);
  });

  test('with the names of internal keys are replaced, and fail no part', async () => {
    const { redis } = harness;
    const hour = hourOfDay(Date.now() / 1000);
    const hashes = [cachedFiles.key('kol_profiles'), hotIds.key, recentReads.key, readsAtHour(hour).key];
    const texts = [cacheMetadata.key, knownIds.key('kol_profiles'), knownIds.key('kol_content')];
    for (const key of hashes) await redis.hset(key, 'a', 'b');
    for (const key of texts) await redis.set(key, 'x');
    await warm();
    await addReads(redis, new Map([['kol-1', 2]]));
    expect(await redis.type(cacheMetadata.key)).toBe('hash');
    expect(await redis.type(recentReads.key)).toBe('zset');
    const report = await warm();
    expect(report.map(({ skipped }) => skipped.join()).join()).toMatch(/(unchanged since.*){3}/);
    const kept = name === 'all profiles' ? hotIds.key : cachedFiles.key('kol_profiles');
    expect((await keysWithoutTtl(redis)).filter((key) => key !== kept)).toEqual([]);
  });
});

test('a scan of all keys ends when its activity is cancelled', async () => {
  const harness = await warmHarness(4);
  onTestFinished(() => harness.stop());
  const { redis } = harness;
  await redis.flushdb();
  await harness.warm({ parts: ['profiles'], allProfiles: true });
  const env = new MockActivityEnvironment();
  const lakehouse = {} as Lakehouse; // a scan reads none
  const renewal = { maxAgeSeconds: 0, minTtlSeconds: 0, writesPerSecond: 0 };
  const deps = { redis, lakehouse, settleSeconds: 0, renewal };
  const scanned = await env.run(async () => {
    const warm = new PartWarm(deps, 'profiles', FORCED_WARM);
    let pages = 0;
    const scan = async () => {
      for await (const page of scanRows(warm, profile, new Date().toISOString())) {
        pages += Number(page.length > 0);
        env.cancel();
      }
    };
    await expect(scan()).rejects.toThrow();
    return pages;
  });
  expect(scanned).toBe(1);
});
