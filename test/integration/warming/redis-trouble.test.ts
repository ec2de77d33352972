import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { WarmActivities } from '../../../activities/index.ts';
import { readMemoryInfo } from '../../../cache/redis/memory-info.ts';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import type { RedisClient } from '../../../clients/redis.ts';
import type { CacheEntry } from '../../../domain/schema/entry.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import { allKeys } from '../../support/redis.ts';
import { smallSplits } from '../../support/small-splits.ts';
import { until } from '../../support/until.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';
import type { WarmReport } from '../../../contract/warm-cache.ts';

let server: RedisServer;
let harness: WarmHarness;
let splits: Awaited<ReturnType<typeof smallSplits>>;
/** Attempts of each activity. */
const attempts = { rankings: 0, plans: 0, splits: 0 };
/** Called after each split, before the next one starts. */
let afterSplit: () => Promise<void> = () => Promise.resolve();

beforeAll(async () => {
  server = await startRedis('--maxmemory', '512mb', '--maxmemory-policy', 'allkeys-lru');
  const change = (real: WarmActivities): Partial<WarmActivities> => ({
    warmRankings: (args) => {
      attempts.rankings += 1;
      return real.warmRankings(args);
    },
    planProfiles: (args) => {
      attempts.plans += 1;
      return splits.planProfiles(args);
    },
    async warmProfileSplit(args) {
      attempts.splits += 1;
      const report = await splits.warmProfileSplit(args);
      await afterSplit();
      return report;
    },
  });
  // The Redis database number is only used for the schema name here.
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
  attempts.rankings = attempts.plans = attempts.splits = 0;
});

const parts = ['profiles', 'rankings'] as const;

/** The keys that clients read, with their serialised values: no metadata and no staging keys. */
async function cached(): Promise<Map<string, string>> {
  const keys = (await allKeys(harness.redis)).filter(
    (key) => key !== 'cache:metadata' && !key.includes(':next:'),
  );
  const contents = keys.map(
    async (key) => [key, (await harness.redis.dumpBuffer(key)).toString('hex')] as const,
  );
  return new Map(await Promise.all(contents));
}

describe('when Redis is full and evicts nothing', () => {
  test('the warm fails at the first attempt with instructions, and the cached keys stay', async () => {
    const { redis } = harness;
    await harness.warm({ parts });
    const before = await cached();
    attempts.rankings = attempts.plans = attempts.splits = 0;
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.config('SET', 'maxmemory', '1mb'); // less than it uses
    try {
      const failure = await harness.failure({ parts, force: true });
      expect(failure.type).toBe('WarmIncomplete');
      expect(failure.message).toContain('2 of 2 parts failed');
      expect(failure.message).toMatch(/profiles: Redis is full and evicts nothing/);
      expect(failure.message).toMatch(/rankings: Redis is full and evicts nothing.*Raise maxmemory/);
      // The plan cannot keep its list of files: no split begins.
      expect(attempts).toEqual({ rankings: 1, plans: 1, splits: 0 });
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

describe('when Redis becomes full while a large set is written', () => {
  test('the old set stays, and the staging key is removed', async () => {
    const { redis } = harness;
    const key = 'kol:autocomplete:tiktok';
    const entryOf = (members: number): CacheEntry => ({
      type: 'zset',
      key,
      ttlSeconds: 60,
      members: Array.from({ length: members }, (_, index) => [`somebody-${index}`, index] as const),
    });
    await replaceSet(redis, entryOf(10), 1);
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.config('SET', 'maxmemory', String((await readMemoryInfo(redis)).usedBytes + 1024 ** 2));
    try {
      await expect(replaceSet(redis, entryOf(200_000), 2)).rejects.toThrow(/OOM/);
      expect((await allKeys(redis)).filter((one) => one.includes(':next:'))).toEqual([]);
      expect(await redis.zcard(key)).toBe(10);
    } finally {
      await redis.config('SET', 'maxmemory', '512mb');
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    }
  });
});

describe('when Redis is getting full', () => {
  test('the warm warns before the first write when its data would fill more than 80 % of maxmemory', async () => {
    const { redis } = harness;
    // Earlier tests leave memory that Redis frees later, in the background and in Lua: it would raise the limit.
    await redis.script('FLUSH', 'SYNC');
    await until('the deleted sets are freed', async () =>
      (await redis.info('memory')).includes('lazyfree_pending_objects:0'),
    );
    const fits = await harness.warm({ parts: ['rankings'], dryRun: true });
    expect(fits.warnings).toEqual([]);
    expect(fits.memory?.maxBytes).toBe(512 * 1024 ** 2);
    // The used memory alone is below the threshold of the warning. Connections change it by some percent, the profiles add more than that.
    const { usedBytes } = await readMemoryInfo(redis);
    await redis.config('SET', 'maxmemory', String(Math.round(usedBytes * 1.3)));
    try {
      const report = await harness.warm({ parts: ['profiles'], allProfiles: true, dryRun: true });
      expect(report.keys).toBeGreaterThan(300);
      expect(report.warnings.join()).toMatch(
        /profiles: Redis holds .* and this warm adds about .* of .*; at the limit Redis evicts keys \(allkeys-lru\)/,
      );
    } finally {
      await redis.config('SET', 'maxmemory', '512mb');
    }
  });

  test('the report has the number of keys, the used memory and maxmemory', async () => {
    const { memory } = await harness.warm({ parts: ['rankings'] });
    expect(memory).toMatchObject({ maxBytes: 512 * 1024 ** 2, policy: 'allkeys-lru' });
    expect(memory?.keys).toBe(await harness.redis.dbsize());
    expect(memory?.usedBytes).toBeGreaterThan(100_000);
  });
});

describe('when Redis is unavailable for a while', () => {
  test('as a read-only replica, the warm is retried until Redis is promoted', async () => {
    const { redis } = harness;
    await redis.replicaof('127.0.0.1', 1);
    const run = await harness.start({ parts: ['rankings'] });
    await until('the activity was attempted more than once', () => Promise.resolve(attempts.rankings > 1));
    await redis.replicaof('NO', 'ONE');
    const report = await run.result();
    expect(await redis.zcard('kol:top:followers:all:100')).toBe(100);
    expect(report.keys).toBe((await cached()).size);
  });

  test('killed and restarted empty during a warm, all profiles are written again', async () => {
    let done = 0;
    afterSplit = async () => {
      if ((done += 1) === 2) await server.restart();
    };
    const report = await harness.warm({ parts: ['profiles'], allProfiles: true });
    afterSplit = () => Promise.resolve();
    const rows = await harness.trino(`SELECT count(*) FROM ${harness.schema}.kol_profiles`);
    expect((await cached()).size).toBe(rows[0]?.[0]);
    expect(report.parts[0]?.cached).toBe(rows[0]?.[0]);
    expect(report.warnings).toEqual([]);
  });

  test('without an answer for seconds, the warm waits', async () => {
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

describe('when Redis has keys of another client under our names', () => {
  test.each([
    ['text', (redis: RedisClient, key: string) => redis.set(key, 'x')],
    ['a list', (redis: RedisClient, key: string) => redis.rpush(key, 'x')],
  ])('as %s, no part fails: they are replaced or removed, and a warning names one', async (_name, occupy) => {
    const { redis, schema } = harness;
    const [[kolId] = []] = await harness.trino(`SELECT kol_id FROM ${schema}.kol_profiles LIMIT 1`);
    const own = `kol:profile:${String(kolId)}`;
    for (const force of [true, false]) {
      for (const key of [own, 'kol:profile:index', 'content:detail:index']) await occupy(redis, key);
      const dry = await harness.warm({ force, parts: ['profiles'], allProfiles: true, dryRun: true });
      expect(dry.parts).toHaveLength(1);
      expect(await redis.exists('kol:profile:index')).toBe(1);
      const report = await harness.warm({ force, parts: ['profiles'], allProfiles: true });
      expect(report.warnings.join()).toMatch(/^profiles: \d keys .* were removed, such as "kol:profile:/);
      expect(await redis.type(own)).toBe('hash');
      expect(await redis.exists('kol:profile:index', 'content:detail:index')).toBe(1);
      await redis.del(own);
    }
  });
});
