import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { WarmActivities } from '../../../activities/index.ts';
import { readMemoryInfo } from '../../../cache/redis/memory-info.ts';
import { replaceSet } from '../../../cache/writing/write-entries.ts';
import type { CacheEntry } from '../../../domain/schema/entry.ts';
import type { WarmReport } from '../../../workflows/warming/warm-cache.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import { allKeys } from '../../support/redis.ts';
import { smallSplits } from '../../support/small-splits.ts';
import { until } from '../../support/until.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

let server: RedisServer;
let harness: WarmHarness;
let splits: Awaited<ReturnType<typeof smallSplits>>;
/** Tries of each activity. */
const tries = { rankings: 0, splits: 0 };
/** Called when a split is done, before the next one begins. */
let afterSplit: () => Promise<void> = () => Promise.resolve();

beforeAll(async () => {
  server = await startRedis('--maxmemory', '512mb', '--maxmemory-policy', 'allkeys-lru');
  const change = (real: WarmActivities): Partial<WarmActivities> => ({
    warmRankings: (args) => {
      tries.rankings += 1;
      return real.warmRankings(args);
    },
    planProfiles: (args) => splits.planProfiles(args),
    async warmProfileSplit(args) {
      tries.splits += 1;
      const report = await splits.warmProfileSplit(args);
      await afterSplit();
      return report;
    },
  });
  // The number goes into the name of the schema only.
  harness = await warmHarness(15, { REDIS_URL: server.url }, change);
  splits = await smallSplits(harness.config, { rowsPerSplit: 100, parallelSplits: 1, writesPerSecond: 0 });
});
afterAll(async () => {
  await splits.close();
  await harness.stop();
  await server.stop();
});
beforeEach(async () => {
  await harness.redis.flushall();
  tries.rankings = tries.splits = 0;
});

const parts = ['profiles', 'rankings'] as const;

/** What clients see: not the note of the warm, and no set that was only begun. */
async function cached(): Promise<Map<string, string>> {
  const keys = (await allKeys(harness.redis)).filter(
    (key) => key !== 'cache:metadata' && !key.includes(':next:'),
  );
  const contents = keys.map(
    async (key) => [key, (await harness.redis.dumpBuffer(key)).toString('hex')] as const,
  );
  return new Map(await Promise.all(contents));
}

describe('a Redis that is full and evicts nothing', () => {
  test('ends the warm at the first try, which says what to do; what is cached stays', async () => {
    const { redis } = harness;
    await harness.warm({ parts });
    const before = await cached();
    tries.rankings = tries.splits = 0;
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.config('SET', 'maxmemory', '1mb'); // it holds more
    try {
      const failure = await harness.failure({ parts, force: true });
      expect(failure.type).toBe('WarmIncomplete');
      expect(failure.message).toContain('2 of 2 parts failed');
      expect(failure.message).toMatch(/profiles: Redis is full and evicts nothing/);
      expect(failure.message).toMatch(/rankings: Redis is full and evicts nothing.*Raise maxmemory/);
      expect(tries).toEqual({ rankings: 1, splits: 1 });
      expect(await cached()).toEqual(before);
      const [report] = failure.details as [WarmReport];
      expect(report).toMatchObject({ keys: 0, memory: { policy: 'noeviction' } });
      expect(report.warnings.join()).toContain('at the limit Redis refuses writes');
    } finally {
      await redis.config('SET', 'maxmemory', '512mb');
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    }
  });
});

describe('a Redis that fills up while a large set is built', () => {
  test('keeps the old set and no half of the new one', async () => {
    const { redis } = harness;
    const key = 'kol:autocomplete:tiktok';
    const of = (members: number): CacheEntry => ({
      type: 'zset',
      key,
      ttlSeconds: 60,
      members: Array.from({ length: members }, (_, index) => [`somebody-${index}`, index] as const),
    });
    await replaceSet(redis, of(10));
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.config('SET', 'maxmemory', String((await readMemoryInfo(redis)).usedBytes + 1024 ** 2));
    try {
      await expect(replaceSet(redis, of(200_000))).rejects.toThrow(/OOM/);
      expect((await allKeys(redis)).filter((one) => one.includes(':next:'))).toEqual([]);
      expect(await redis.zcard(key)).toBe(10);
    } finally {
      await redis.config('SET', 'maxmemory', '512mb');
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    }
  });
});

describe('a Redis that is getting full', () => {
  test('is told before the first write when what is to come passes 80 % of it', async () => {
    const { redis } = harness;
    const { usedBytes } = await readMemoryInfo(redis);
    // Empty it is two thirds full: no reason for a warning yet.
    await redis.config('SET', 'maxmemory', String(Math.round(usedBytes * 1.5)));
    try {
      const fits = await harness.warm({ parts: ['rankings'], dryRun: true });
      expect(fits.warnings).toEqual([]);
      expect(fits.memory?.maxBytes).toBe(Math.round(usedBytes * 1.5));
      const report = await harness.warm({ parts: ['profiles'], allProfiles: true, dryRun: true });
      expect(report.keys).toBeGreaterThan(300);
      expect(report.warnings.join()).toMatch(
        /profiles: Redis holds .* and this warm adds about .* of .*; at the limit Redis evicts keys \(allkeys-lru\)/,
      );
    } finally {
      await redis.config('SET', 'maxmemory', '512mb');
    }
  });

  test('the report has its keys and memory beside maxmemory', async () => {
    const { memory } = await harness.warm({ parts: ['rankings'] });
    expect(memory).toMatchObject({ maxBytes: 512 * 1024 ** 2, policy: 'allkeys-lru' });
    expect(memory?.keys).toBe((await allKeys(harness.redis)).length);
    expect(memory?.usedBytes).toBeGreaterThan(100_000);
  });
});

describe('a Redis that is away for a while', () => {
  test('as a read-only replica it is tried again until it is promoted', async () => {
    const { redis } = harness;
    await redis.replicaof('127.0.0.1', 1);
    const run = await harness.start({ parts: ['rankings'] });
    await until('it was tried more than once', () => Promise.resolve(tries.rankings > 1));
    await redis.replicaof('NO', 'ONE');
    const report = await run.result();
    expect(await redis.zcard('kol:top:followers:all:100')).toBe(100);
    expect(report.keys).toBe((await cached()).size);
  });

  test('killed and back empty in mid-warm, it is written whole', async () => {
    let done = 0;
    afterSplit = async () => {
      if ((done += 1) === 2) await server.restart();
    };
    const report = await harness.warm({ parts: ['profiles'], allProfiles: true });
    afterSplit = () => Promise.resolve();
    const rows = await harness.trino(`SELECT count(*) FROM ${harness.schema}.kol_profiles`);
    expect((await cached()).size).toBe(rows[0]?.[0]);
    expect(report.keys).toBe(rows[0]?.[0]);
    expect(report.warnings).toEqual([]);
  });

  test('that answers nothing for seconds, it is waited for', async () => {
    let done = 0;
    afterSplit = async () => {
      if ((done += 1) === 1) await harness.redis.client('PAUSE', 2500, 'ALL');
    };
    const report = await harness.warm({ parts: ['profiles'], allProfiles: true });
    afterSplit = () => Promise.resolve();
    expect((await cached()).size).toBe(report.keys);
    expect(report.keys).toBe(report.parts[0]?.rowsRead);
  });
});
