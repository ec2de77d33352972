import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import type { WarmCacheInput } from '../../../contract/warm-cache.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { rareTest } from '../../support/rare.ts';
import { allKeys } from '../../support/redis.ts';
import { smallSplits, type SmallSplits } from '../../support/small-splits.ts';
import { queryTrino } from '../../support/trino.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const DATABASE = 10;
/** The partition of tiktok, and all rows. */
const TIKTOK = 48;

const trino = (sql: string) => queryTrino(inject('engines').TRINO_URL, sql);

const kind = inject('catalog');
const partitioning = kind === 'hive' ? 'partitioned_by' : 'partitioning';

/** Each test begins with the table and the cache of the one before: all profiles are warm. */
describe(`a warm of all profiles of a table of ${kind}`, () => {
  let harness: WarmHarness;
  let splits: SmallSplits;
  let table: string;
  let columns: string[];
  let lakehouse: Lakehouse;
  /** Reads of the lakehouse that a test replaces. */
  let change: Partial<Lakehouse> = {};
  beforeAll(async () => {
    const { TRINO_CATALOG, TRINO_SCHEMA } = inject('engines');
    const from = `${TRINO_CATALOG}.${TRINO_SCHEMA}.kol_profiles`;
    const catalog = kind === 'hive' ? 'hive' : TRINO_CATALOG;
    const schema = `changed_${process.pid}`;
    table = `${catalog}.${schema}.kol_profiles`;
    const names = (await trino(`SHOW COLUMNS FROM ${from}`)).map(([column]) => String(column));
    // The column of the partition comes last.
    columns = [...names.filter((name) => name !== 'platform'), 'platform'];
    await trino(`CREATE SCHEMA ${catalog}.${schema}`);
    await trino(
      `CREATE TABLE ${table} WITH (${partitioning} = ARRAY['platform']) AS SELECT ${columns.join(', ')} FROM ${from}
       WHERE platform = 'tiktok' OR crc32(to_utf8(kol_id)) % 128 = 0`,
    );
    const settings = { TRINO_CATALOG: catalog, TRINO_SCHEMA: schema, WARM_SETTLE_SECONDS: '0.5' };
    harness = await warmHarness(DATABASE, settings, () => ({
      planProfiles: (args) => splits.planProfiles(args),
    }));
    await harness.redis.flushdb();
    const options = { rowsPerSplit: 100_000, parallelSplits: 1, writesPerSecond: 0 };
    splits = await smallSplits(harness.config, options, (real) => {
      lakehouse = real;
      return { profilesOfFiles: (...args) => (change.profilesOfFiles ?? real.profilesOfFiles)(...args) };
    });
  });
  afterAll(async () => {
    await splits.close();
    await harness.stop();
  });

  const warm = async (input: WarmCacheInput = {}) => {
    const { parts } = await harness.warm({ parts: ['profiles'], allProfiles: true, ...input });
    return parts[0];
  };
  /** Appends copies of rows. @param changed expressions in place of columns */
  const append = (where: string, changed: Readonly<Record<string, string>>) =>
    trino(
      `INSERT INTO ${table} SELECT ${columns.map((column) => changed[column] ?? column).join(', ')} FROM ${table} WHERE ${where}`,
    );
  const countRows = async () => Number((await trino(`SELECT count(*) FROM ${table}`))[0]?.[0]);

  /** Compares the cache with an independent query. @returns the number of profiles */
  async function expectCacheIsTable(): Promise<number> {
    const rows = await trino(
      `SELECT kol_id, max_by(platform, processed_at), max_by(CAST(followers_count AS VARCHAR), processed_at) FROM ${table} GROUP BY kol_id`,
    );
    const keys = (await allKeys(harness.redis)).filter((key) => key.startsWith(profile.key('')));
    expect(keys).toEqual(rows.map(([id]) => profile.key(String(id))).sort());
    for (const [id, ...cells] of rows)
      expect(await harness.redis.hmget(profile.key(String(id)), 'platform', 'followers_count')).toEqual(
        cells.map((cell) => cell ?? ''),
      );
    return rows.length;
  }

  test('writes each row once, and renews the equal rows of a forced warm', async () => {
    const first = await warm();
    const rows = await expectCacheIsTable();
    expect(first).toMatchObject({ rowsRead: rows, keys: rows, renewed: 0, cached: rows, skipped: [] });
    const keys = (await allKeys(harness.redis)).filter((key) => key.startsWith(profile.key('')));
    const [changed = '', ...equal] = keys;
    await harness.redis.hset(changed, 'bio', 'another');
    for (const key of equal) await harness.redis.expire(key, 100);

    const forced = await warm({ force: true });
    expect(forced).toMatchObject({ rowsRead: rows, keys: 1, renewed: rows - 1, cached: rows });
    expect(await harness.redis.hget(changed, 'bio')).not.toBe('another');
    for (const key of equal) expect(await harness.redis.ttl(key)).toBeGreaterThan(100);
    const times = await Promise.all(keys.map((key) => harness.redis.hget(key, 'cached_at')));
    expect(new Set(times).size).toBe(1);
  });

  test('reads only the rows that were appended', async () => {
    const rows = await countRows();
    await append(`platform = 'tiktok' ORDER BY kol_id LIMIT 10`, { kol_id: "kol_id || '-new'" });
    const report = await warm();
    expect(report).toMatchObject({ rowsRead: 10, keys: 10, renewed: rows, removed: 0, cached: rows + 10 });
    expect(report?.skipped.join()).toMatch(/new: \d+ of \d+ rows not read$/);
    expect(await expectCacheIsTable()).toBe(rows + 10);
    expect(await warm()).toMatchObject({ rowsRead: 0, keys: 0, renewed: rows + 10, cached: rows + 10 });
  });

  test('in a dry run, reports what it would write, and writes nothing', async () => {
    const rows = await countRows();
    await append(`kol_id LIKE '%-new'`, { kol_id: "kol_id || 'er'" });
    const before = await allKeys(harness.redis);
    const [renewable = ''] = before.filter((key) => key.startsWith(profile.key('')));
    await harness.redis.expire(renewable, 300);
    expect(await warm({ dryRun: true })).toMatchObject({ rowsRead: 10, keys: 10, renewed: rows, cached: 0 });
    expect(await allKeys(harness.redis)).toEqual(before);
    expect(await harness.redis.ttl(renewable)).toBeLessThanOrEqual(300);
    expect(await warm()).toMatchObject({ rowsRead: 10, keys: 10 });
    await expectCacheIsTable();
  });

  test('reads only a partition that was overwritten, and removes the rows that it lost', async () => {
    const rows = await countRows();
    const copy = table.replace('kol_profiles', 'copy');
    await trino(`CREATE TABLE ${copy} AS SELECT * FROM ${table} WHERE platform = 'tiktok'`);
    await trino(`DELETE FROM ${table} WHERE platform = 'tiktok'`);
    const select = columns.map((column) => (column === 'followers_count' ? 'followers_count + 1' : column));
    await trino(
      `INSERT INTO ${table} SELECT ${select.join(', ')} FROM ${copy} WHERE kol_id NOT LIKE '%-newer' AND kol_id NOT LIKE '%-new'`,
    );
    const report = await warm();
    expect(report).toMatchObject({ rowsRead: TIKTOK, removed: 20, cached: rows - 20 });
    expect(await expectCacheIsTable()).toBe(rows - 20);
  });

  rareTest('when files change while it reads them, begins again and finds what left them', async () => {
    const rows = await countRows();
    await append(`platform = 'tiktok' LIMIT 5`, { kol_id: "kol_id || '-a'", platform: "'a'" });
    let reads = 0;
    change = {
      async *profilesOfFiles(paths, options) {
        yield* lakehouse.profilesOfFiles(paths, options);
        if ((reads += 1) > 1) return;
        await trino(`DELETE FROM ${table} WHERE platform = 'a'`);
        await append(`platform = 'tiktok' LIMIT 5`, { kol_id: "kol_id || '-b'", platform: "'b'" });
      },
    };
    await warm();
    change = {};
    // Iceberg reads the version of its plan, so the next warm finds the other one.
    await warm();
    expect(await expectCacheIsTable()).toBe(rows + 5);
  });

  rareTest('after an attempt that died in the middle, is complete', async () => {
    const rows = await countRows();
    await append(`platform = 'tiktok' LIMIT 7`, { kol_id: "kol_id || '-c'", platform: "'c'" });
    let attempts = 0;
    change = {
      async *profilesOfFiles(paths, options) {
        for await (const page of lakehouse.profilesOfFiles(paths, options)) {
          if ((attempts += 1) > 1) yield page;
          else {
            yield page.slice(0, 3);
            throw new Error('the worker dies');
          }
        }
      },
    };
    expect(await warm()).toMatchObject({ rowsRead: 7, cached: rows + 7 });
    expect(attempts).toBe(2);
    change = {};
    expect(await expectCacheIsTable()).toBe(rows + 7);
  });

  test('removes the rows of a deleted file without reading a row', async () => {
    await append(`platform = 'tiktok' LIMIT 7`, { kol_id: "kol_id || '-f'", platform: "'f'" });
    await warm();
    const rows = await countRows();
    await trino(`DELETE FROM ${table} WHERE platform = 'f'`);
    expect(await warm()).toMatchObject({ rowsRead: 0, keys: 0, removed: 7, cached: rows - 7 });
    await expectCacheIsTable();
  });

  test('reads again the profiles that readers have cached since the last warm, because their version is unknown', async () => {
    const [key = '', other = ''] = (await allKeys(harness.redis)).filter((one) =>
      one.startsWith(profile.key('')),
    );
    const later = new Date(Date.now() + 1).toISOString();
    await harness.redis.hset(key, { followers_count: '1', cached_at: later });
    await harness.redis.hset(profile.key('gone'), {
      ...(await harness.redis.hgetall(other)),
      kol_id: 'gone',
      cached_at: later,
    });
    await append(`platform = 'tiktok' LIMIT 3`, { kol_id: "kol_id || '-d'", platform: "'d'" });
    expect(await warm()).toMatchObject({ rowsRead: 4, removed: 1 });
    await expectCacheIsTable();
  });

  test('reads all rows when a profile is missing, and reports it', async () => {
    await append(`platform = 'tiktok' LIMIT 3`, { kol_id: "kol_id || '-e'", platform: "'e'" });
    const [key = ''] = (await allKeys(harness.redis)).filter((one) => one.startsWith(profile.key('')));
    await harness.redis.del(key);
    const report = await warm();
    expect(report).toMatchObject({ rowsRead: await countRows(), keys: expect.any(Number) as number });
    expect(report?.skipped).toEqual(['all rows read: 1 profiles are missing from the cache']);
    await expectCacheIsTable();
  });

  describe.runIf(kind === 'iceberg')('after a rollback', () => {
    const newer = { processed_at: "'2041-01-01T00:00:00Z'", followers_count: 'followers_count + 5000' };
    const currentSnapshot = async () => {
      const [[id] = []] = await trino(
        `SELECT CAST(snapshot_id AS VARCHAR) FROM ${table.replace('kol_profiles', '"kol_profiles$refs"')} WHERE name = 'main'`,
      );
      return String(id);
    };
    const rollBackTo = (snapshot: string) =>
      trino(`ALTER TABLE ${table} EXECUTE rollback_to_snapshot(${snapshot})`);
    /** Caches rows like a reader after a miss. */
    async function readBy(where: string): Promise<void> {
      const ids = await trino(`SELECT kol_id FROM ${table} WHERE ${where}`);
      const rows = await lakehouse.profilesById(ids.map(([id]) => String(id)));
      const now = new Date(Date.now() + 1).toISOString();
      await writeEntries(
        harness.redis,
        rows.map((row) => profile.toEntry(row.kol_id, row, now)),
      );
    }

    test('caches the older rows of ids that a newer file had, and removes its other rows', async () => {
      const rows = await countRows();
      const before = await currentSnapshot();
      await append(`platform = 'd'`, newer);
      await append(`platform = 'd' AND processed_at < '2041'`, { kol_id: "kol_id || '-r'" });
      expect(await warm()).toMatchObject({ rowsRead: 6, cached: rows + 3 });
      await expectCacheIsTable();
      await rollBackTo(before);
      const report = await warm();
      expect(report?.skipped).toEqual(['all rows read: files are gone, and some ids have several rows']);
      expect(report).toMatchObject({ removed: 3, cached: rows });
      expect(await expectCacheIsTable()).toBe(rows);
    });

    rareTest('does so too when a reader had cached the rows of the newer file before the warm', async () => {
      const before = await currentSnapshot();
      await append(`platform = 'd'`, newer);
      await readBy(`platform = 'd'`);
      await warm();
      await rollBackTo(before);
      await warm();
      await expectCacheIsTable();
    });

    rareTest('to the version of the last warm, caches no row that a reader found in between', async () => {
      const rows = await countRows();
      const before = await currentSnapshot();
      await append(`platform = 'd'`, newer);
      await append(`platform = 'd' AND processed_at < '2041'`, { kol_id: "kol_id || '-r'" });
      await readBy(`platform = 'd'`);
      await rollBackTo(before);
      expect(await warm()).toMatchObject({ removed: 3, cached: rows });
      expect(await expectCacheIsTable()).toBe(rows);
    });
  });

  rareTest(
    'of several rows of an id caches the newest one, and reads all rows once a file is gone',
    async () => {
      const rows = await countRows();
      const times = { older: "'2001-01-01T00:00:00Z'", newer: "'2031-01-01T00:00:00Z'" };
      for (const [name, processed_at] of Object.entries(times)) {
        const followers_count = 'followers_count + 1000';
        await append(`platform = 'd'`, { processed_at, followers_count, platform: `'${name}'` });
        expect(await warm()).toMatchObject({ rowsRead: 3, keys: name === 'newer' ? 3 : 0 });
        await expectCacheIsTable();
      }
      await trino(`DELETE FROM ${table} WHERE platform = 'newer'`);
      const report = await warm();
      expect(report?.skipped).toEqual(['all rows read: files are gone, and some ids have several rows']);
      // Of the ids with two rows, Trino leaves out the older one.
      expect(report?.rowsRead).toBe(rows);
      await expectCacheIsTable();
      await trino(`DELETE FROM ${table} WHERE platform = 'older'`);
      await warm();
    },
  );

  test.runIf(kind === 'iceberg')('reads all rows of a table with delete files, and reports it', async () => {
    await trino(`UPDATE ${table} SET followers_count = 5 WHERE kol_id = (SELECT min(kol_id) FROM ${table})`);
    const report = await warm();
    expect(report).toMatchObject({ rowsRead: await countRows(), keys: 1, removed: 0 });
    expect(report?.skipped).toEqual(['all rows read: 1 delete files']);
    await expectCacheIsTable();
  });
});
