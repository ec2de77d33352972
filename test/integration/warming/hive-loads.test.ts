import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createWarmLists } from '../../../activities/warming/warm-lists.ts';
import { createClients, type Clients } from '../../../clients/create-clients.ts';
import { createLogger } from '../../../clients/logger.ts';
import { workerProfile } from '../../../workers/create-activities.ts';
import { copyRows } from '../../support/change-table.ts';
import { hiveFiles, type HiveFiles } from '../../support/hive-files.ts';
import { createHiveSchema } from '../../support/hive-schema.ts';
import { rareTest } from '../../support/rare.ts';
import { allKeys } from '../../support/redis.ts';
import { fillWarmSchema, warmHarness, type WarmHarness } from '../../support/warm-harness.ts';
import { testConfig } from '../../support/dependencies.ts';
import { queryTrino } from '../../support/trino.ts';

const DATABASE = 15;
const SETTLE_SECONDS = 0.5;
/** Old enough to have settled. */
const OLD = { ageSeconds: 60 };
const LIST = 'kol:profiles:list:all';

let harness: WarmHarness;
let clients: Clients;
let files: HiveFiles;
/** The four files of the profiles. */
let contents: Buffer[];
/** What another writer does while a warm reads: after each read of the lists, and before each split of the profiles. */
let duringLists: () => Promise<void>;
let beforeSplit: () => Promise<void>;
let warmLists: ReturnType<typeof createWarmLists>;

beforeAll(async () => {
  const schema = await createSchema();
  const config = testConfig(DATABASE, {
    TRINO_CATALOG: 'hive',
    TRINO_SCHEMA: schema,
    WARM_SETTLE_SECONDS: String(SETTLE_SECONDS),
  });
  clients = createClients(config, workerProfile(config), createLogger('test', config.LOG_LEVEL));
  const lakehouse = clients.lakehouse();
  warmLists = createWarmLists({
    redis: await clients.redis(),
    lakehouse: {
      ...lakehouse,
      async profileLists(...args) {
        const lists = await lakehouse.profileLists(...args);
        await duringLists();
        return lists;
      },
    },
    settleSeconds: SETTLE_SECONDS,
    maxShrinkPercent: 50,
    graceSeconds: 120,
    renewal: { maxAgeSeconds: 0, minTtlSeconds: 0, writesPerSecond: 0 },
    sizes: { listSize: 1000 },
  });
  const { TRINO_CATALOG, TRINO_SCHEMA, WARM_SETTLE_SECONDS } = config;
  harness = await warmHarness(
    DATABASE,
    { TRINO_CATALOG, TRINO_SCHEMA, WARM_SETTLE_SECONDS: String(WARM_SETTLE_SECONDS) },
    (real) => ({
      warmLists: (args) => warmLists(args),
      async warmProfileSplit(args) {
        await beforeSplit();
        return real.warmProfileSplit(args);
      },
    }),
  );
  files = hiveFiles(schema, 'kol_profiles');
  contents = [...(await files.read()).values()];
});
afterAll(async () => {
  await harness.stop();
  await clients.close();
});
beforeEach(async () => {
  duringLists = beforeSplit = () => Promise.resolve();
  await files.clear();
  await files.write(contents, OLD);
  await harness.redis.flushdb();
});

/** @returns the name of a Hive schema with the rows of the small lakehouse */
async function createSchema(): Promise<string> {
  const small = await fillWarmSchema(DATABASE);
  const { TRINO_URL, TRINO_CATALOG } = testConfig(DATABASE);
  const name = await createHiveSchema(`loads_${process.pid}`, `${TRINO_CATALOG}.${small}`);
  await queryTrino(TRINO_URL, `DROP SCHEMA ${TRINO_CATALOG}.${small} CASCADE`);
  return name;
}

/** As a load with `mode("overwrite")`: all files are deleted, then the new ones written one by one. */
async function overwrite(newFiles: readonly Buffer[], pauseMs: number): Promise<void> {
  await files.clear();
  await files.write(newFiles, { pauseMs });
}

const listSize = async () => (JSON.parse((await harness.redis.get(LIST)) ?? '[]') as unknown[]).length;
const tableSize = async () =>
  Number((await harness.trino(`SELECT count(*) FROM ${harness.schema}.kol_profiles`))[0]?.[0]);

/** Every key with its value, without the record of warms. */
async function cached(): Promise<Map<string, string>> {
  const keys = (await allKeys(harness.redis)).filter((key) => key !== 'cache:metadata');
  const dumps = keys.map(
    async (key) => [key, (await harness.redis.dumpBuffer(key)).toString('hex')] as const,
  );
  return new Map(await Promise.all(dumps));
}

/** Looks again and again which of these keys are there. @returns those that were missing at any time while `work` ran */
async function missingDuring(keys: readonly string[], work: () => Promise<unknown>): Promise<string[]> {
  const missing = new Set<string>();
  let done = false;
  const watch = async () => {
    while (!done) {
      const found = await harness.redis.pipeline(keys.map((key) => ['exists', key])).exec();
      found?.forEach(([, exists], index) => exists === 1 || missing.add(keys[index] ?? ''));
      await sleep(20);
    }
  };
  const watching = watch();
  await work().finally(() => (done = true));
  await watching;
  return [...missing];
}

describe('while a load overwrites a table', () => {
  test('a set is read again until the load has ended, and then has the rows of the load', async () => {
    await harness.warm({ parts: ['lists'] });
    const before = await listSize();
    let loads = 0;
    let load = Promise.resolve();
    duringLists = async () => {
      if ((loads += 1) > 1) return;
      load = overwrite(contents.slice(1), 300);
      await sleep(100);
    };
    const sizes = new Set<number>();
    const missing = await missingDuring([LIST], async () => {
      const warm = harness.warm({ parts: ['lists'], force: true });
      void warm.finally(() => sizes.add(-1)).catch(() => {});
      while (!sizes.has(-1)) {
        sizes.add(await listSize());
        await sleep(20);
      }
      expect((await warm).parts[0]).toMatchObject({ part: 'lists', removed: 0 });
    });
    await load;
    sizes.delete(-1);

    const after = await tableSize();
    expect(after).toBeLessThan(before);
    expect(missing).toEqual([]);
    expect(await listSize()).toBe(after);
    expect(loads).toBeGreaterThan(1);
    for (const size of sizes) expect([before, after]).toContain(size);
  });

  test('no profile leaves the cache, and the warm ends with the rows of the load', async () => {
    await harness.warm({ parts: ['profiles'], allProfiles: true });
    const keys = [...(await cached()).keys()];
    let splits = 0;
    let load = Promise.resolve();
    beforeSplit = async () => {
      if ((splits += 1) > 1) return;
      load = overwrite(contents, 300);
      await sleep(100);
    };
    const missing = await missingDuring(keys, async () => {
      const { parts } = await harness.warm({ parts: ['profiles'], allProfiles: true, force: true });
      expect(parts[0]).toMatchObject({ removed: 0, cached: keys.length, warnings: [] });
    });
    await load;
    expect(missing).toEqual([]);
    expect(splits).toBeGreaterThan(1);
    expect(await tableSize()).toBe(keys.length);
  });

  rareTest('profiles that the load left out are removed once it has ended', async () => {
    await harness.warm({ parts: ['profiles'], allProfiles: true });
    const before = await tableSize();
    let splits = 0;
    beforeSplit = async () => {
      if ((splits += 1) === 1) await overwrite(contents.slice(1), 0);
    };
    const { parts } = await harness.warm({ parts: ['profiles'], allProfiles: true, force: true });
    const after = await tableSize();
    expect(after).toBeLessThan(before);
    expect(parts[0]).toMatchObject({ removed: before - after, cached: after });
    const rows = await harness.trino(`SELECT kol_id FROM ${harness.schema}.kol_profiles`);
    expect([...(await cached()).keys()]).toEqual(rows.map(([id]) => `kol:profile:${String(id)}`).sort());
  });
});

test('rows of a file that was added and removed again do not stay', async () => {
  const warm = { parts: ['profiles'], allProfiles: true } as const;
  const { trino, schema, redis } = harness;
  await harness.warm(warm);
  const names = [...(await files.read()).keys()];
  const before = [...(await cached()).keys()];
  const [[id = ''] = []] = await trino(`SELECT min(kol_id) FROM ${schema}.kol_profiles`);
  const changed = `kol:profile:${String(id)}`;
  const followers = await redis.hget(changed, 'followers_count');
  const table = `${schema}.kol_profiles`;
  const copy = { from: table, to: table, where: `kol_id = '${String(id)}'` };
  await copyRows(trino, { ...copy, changes: { kol_id: "kol_id || '-new'" } });
  const newer = { followers_count: '12345', processed_at: "'2036-01-01T00:00:00Z'" };
  await copyRows(trino, { ...copy, changes: newer });
  // As an ETL load reports it.
  const ids = [String(id), `${String(id)}-new`];
  await harness.warm({ scopes: { profiles: { ids } } });
  expect(await redis.hget(changed, 'followers_count')).toBe('12345');
  expect(await redis.exists(`${changed}-new`)).toBe(1);

  await files.clear(names);
  await harness.warm(warm);
  expect(await redis.hget(changed, 'followers_count')).toBe(followers);
  expect([...(await cached()).keys()]).toEqual(before);
});

describe('a load that does not end', () => {
  test.each([
    ['writes files again and again', () => overwrite(contents, 0)],
    ['has deleted all files', () => files.clear()],
  ])('fails the part when it %s, and the cached keys stay', async (_, change) => {
    await harness.warm({ parts: ['lists'] });
    const before = await cached();
    duringLists = change;
    const failure = await harness.failure({ parts: ['lists'], force: true });
    expect(failure.message).toContain(
      'The files of kol_profiles were changed during each of 6 reads, or there are none. The cache keeps what it has.',
    );
    expect(await cached()).toEqual(before);
  });

  rareTest(
    'fails the profiles when the table changes during each of several warms of them, and removes none',
    async () => {
      await harness.warm({ parts: ['profiles'], allProfiles: true });
      const before = [...(await cached()).keys()];
      beforeSplit = () => overwrite(contents.slice(1), 0);
      const failure = await harness.failure({ parts: ['profiles'], allProfiles: true, force: true });
      expect(failure.message).toContain('Profiles were written, but none was removed.');
      expect([...(await cached()).keys()]).toEqual(before);
    },
  );

  test('looks like a finished one when it pauses for longer than the settle time: then the shrink check keeps the cache', async () => {
    await harness.warm({ parts: ['profiles', 'lists'], allProfiles: true });
    const before = await cached();
    await files.clear();
    await files.write(contents.slice(0, 1), OLD);
    const failure = await harness.failure({ parts: ['profiles', 'lists'], allProfiles: true });
    expect(failure.message).toMatch(/2 of 2 parts failed.*kol_profiles fell from \d+ to \d+/);
    expect(await cached()).toEqual(before);
  });
});
