import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createClients, type Clients } from '../../../clients/create-clients.ts';
import { createLogger } from '../../../clients/logger.ts';
import { workerProfile } from '../../../workers/create-activities.ts';
import { filteredIds, knownIds } from '../../../domain/entities/known-ids.ts';
import { damageColumn } from '../../support/damage-column.ts';
import { hiveFiles, type HiveFiles } from '../../support/hive-files.ts';
import { rareTest } from '../../support/rare.ts';
import { allKeys } from '../../support/redis.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

/** Old enough to have settled. */
const OLD = { ageSeconds: 60 };
const TYPE_ERROR =
  /verified cannot be read, and is cached as unknown: NOT_SUPPORTED: Unsupported Trino column type \(boolean\)/;

/** The filter of the KOLs that have content. */
const OWNERS = knownIds.key(filteredIds.contentOwners.name);

let harness: WarmHarness;
let clients: Clients;
let files: HiveFiles;
/** The files of the table. */
let good: readonly Buffer[];
beforeAll(async () => {
  harness = await warmHarness(13, { TRINO_CATALOG: 'hive', WARM_SETTLE_SECONDS: '0.5' });
  files = hiveFiles(harness.schema.replace('hive.', ''), 'kol_profiles');
  good = [...(await files.read()).values()];
});
afterAll(() => harness.stop());
beforeEach(async () => {
  await harness.redis.flushdb();
  // As the API: it reads by id, without a version.
  clients = createClients(
    harness.config,
    { ...workerProfile(harness.config), snapshotFeatures: false },
    createLogger('test', harness.config.LOG_LEVEL),
  );
  return () => clients.close();
});

/** The columns of the table with some replaced, as files that another job wrote. */
async function filesWith(
  replace: string,
  expression: string,
  where = "platform = 'tiktok'",
): Promise<readonly Buffer[]> {
  const { trino, schema } = harness;
  await trino(`DROP TABLE IF EXISTS ${schema}.other_types`);
  await replaceFiles(good);
  const columns = (await trino(`SHOW COLUMNS FROM ${schema}.kol_profiles`)).map(([name]) =>
    name === replace ? `${expression} AS ${replace}` : String(name),
  );
  await trino(
    `CREATE TABLE ${schema}.other_types AS SELECT ${columns.join(', ')} FROM ${schema}.kol_profiles WHERE ${where}`,
  );
  return [...(await hiveFiles(schema.replace('hive.', ''), 'other_types').read()).values()];
}

async function replaceFiles(contents: readonly Buffer[]): Promise<void> {
  await files.clear();
  await files.write(contents, OLD);
}

describe('a column whose files hold another type than the table declares', () => {
  beforeAll(async () => {
    const other = await filesWith('verified', 'CAST(verified AS integer)');
    await replaceFiles(other);
  });

  test('is cached as unknown by each part, and the report names it in the words of Trino', async () => {
    const report = await harness.warm({
      parts: ['profiles', 'rankings', 'stats', 'lists'],
      allProfiles: true,
    });
    expect(report.parts.map(({ part, keys }) => keys > 0 && part)).toEqual([
      'profiles',
      'rankings',
      'stats',
      'lists',
    ]);
    expect(report.warnings.join()).toMatch(TYPE_ERROR);
    const [id] = (await harness.redis.keys('kol:profile:*')).map((key) => key.slice('kol:profile:'.length));
    const cached = await harness.redis.hgetall(`kol:profile:${id}`);
    expect(cached).toMatchObject({ kol_id: id, platform: 'tiktok', verified: '' });
    expect(cached['username']).not.toBe('');
    expect(await harness.redis.hget('stats:platform', 'verified_count')).toBe('0');
  });

  test('is not read again by the next warm of the same files', async () => {
    const warm = () => harness.warm({ parts: ['lists'], force: true });
    await warm();
    await harness.newQueries();
    expect((await warm()).warnings.join()).toMatch(TYPE_ERROR);
    const reads = (await harness.newQueries()).filter(({ sql }) => sql.includes('"username"'));
    expect(reads.map(({ state }) => state)).toContain('FINISHED');
    expect(reads.map(({ sql }) => sql).join()).not.toContain('"verified" AS');
    expect(reads.map(({ state }) => state)).not.toContain('FAILED');
  });

  test('is reported by no part that does not need it', async () => {
    await harness.warm({ parts: ['lists'], force: true });
    expect((await harness.warm({ parts: ['rankings', 'search'], force: true })).warnings).toEqual([]);
  });

  test('is unknown in a miss of the API', async () => {
    const [[id] = []] = await harness.trino(`SELECT kol_id FROM ${harness.schema}.kol_profiles LIMIT 1`);
    const [profile] = await clients.lakehouse().profilesById([String(id)]);
    expect(profile).toMatchObject({ kol_id: id, platform: 'tiktok', verified: null });
  });

  test('is read again when new files can be read', async () => {
    await harness.warm({ parts: ['lists'] });
    await replaceFiles(good);
    expect((await harness.warm({ parts: ['lists'], allowShrink: true })).warnings).toEqual([]);
    const lists = JSON.parse((await harness.redis.get('kol:profiles:list:all')) ?? '[]') as object[];
    expect(lists).toContainEqual(expect.objectContaining({ verified: false }));
  });
});

test('the loss of a platform is refused also while a column that decides no member cannot be read', async () => {
  const verified = ['verified', 'CAST(verified AS integer)'] as const;
  const without = await filesWith(...verified, "platform <> 'tiktok'");
  await replaceFiles(await filesWith(...verified, 'true'));
  await harness.warm({ parts: ['lists'] });
  const before = await harness.redis.get('kol:profiles:list:tiktok');
  await replaceFiles(without);
  const failure = await harness.failure({ parts: ['lists'] });
  expect(failure.message).toContain('kol:profiles:list:tiktok fell from 48 to 0');
  expect(failure.message).toMatch(TYPE_ERROR);
  expect(await harness.redis.get('kol:profiles:list:tiktok')).toBe(before);
});

rareTest('a column whose declaration is corrected is read again from the same files', async () => {
  const { redis, schema, trino } = harness;
  const warm = () => harness.warm({ parts: ['profiles', 'lists'], allProfiles: true, allowShrink: true });
  await replaceFiles(await filesWith('verified', 'CAST(verified AS integer)'));
  expect((await warm()).warnings.join()).toMatch(TYPE_ERROR);
  const declare = async (type: string) => {
    await trino(`ALTER TABLE ${schema}.kol_profiles DROP COLUMN verified`);
    await trino(`ALTER TABLE ${schema}.kol_profiles ADD COLUMN verified ${type}`);
  };
  await declare('integer');
  try {
    const report = await warm();
    expect(report.warnings).toEqual([]);
    expect(report.parts.map(({ rowsRead }) => rowsRead > 0)).toEqual([true, true]);
    for (const key of await redis.keys('kol:profile:*'))
      expect(await redis.hget(key, 'verified')).toMatch(/^(?:true|false)$/);
    expect((await warm()).parts.map(({ rowsRead }) => rowsRead)).toEqual([0, 0]);
  } finally {
    await declare('boolean');
  }
});

rareTest(
  'a column that seemed unreadable is read again after an hour, although the table has not changed',
  async () => {
    const { redis } = harness;
    const warm = () => harness.warm({ parts: ['profiles', 'lists'], allProfiles: true, allowShrink: true });
    await replaceFiles(await filesWith('verified', 'CAST(verified AS integer)'));
    await warm();
    const unreadable = await redis.hgetall('cache:metadata');
    // Another worker found a column that it could not read at that moment.
    await replaceFiles(good);
    await warm();
    const setRecord = async (ageMs: number) => {
      for (const part of ['profiles', 'lists']) {
        expect(JSON.parse(unreadable[part] ?? '')).toMatchObject({ hasUnreadable: true });
        const last = JSON.parse((await redis.hget('cache:metadata', part)) ?? '') as { read_at: string };
        const read_at = new Date(Date.parse(last.read_at) - ageMs).toISOString();
        await redis.hset('cache:metadata', part, JSON.stringify({ ...last, hasUnreadable: true, read_at }));
      }
    };
    await setRecord(0);
    expect((await warm()).parts.map(({ rowsRead }) => rowsRead)).toEqual([0, 0]);
    await setRecord(3_600_000);
    expect((await warm()).parts.map(({ rowsRead }) => rowsRead > 0)).toEqual([true, true]);
    expect(await redis.hget('cache:metadata', 'profiles')).not.toContain('hasUnreadable');
    expect((await warm()).parts.map(({ rowsRead }) => rowsRead)).toEqual([0, 0]);
  },
);

test('a damaged column is cached as unknown, and the rest of its file is cached', async () => {
  await replaceFiles(good.map((file) => damageColumn(file, 'display_name')));
  const report = await harness.warm({ parts: ['profiles', 'lists'], allProfiles: true });
  expect(report.warnings.join()).toMatch(
    /kol_profiles\.display_name cannot be read, and is cached as unknown: \w+: ./,
  );
  const [key = ''] = await harness.redis.keys('kol:profile:*');
  const cached = await harness.redis.hgetall(key);
  expect(cached['display_name']).toBe('');
  expect(cached['followers_count']).not.toBe('');
});

rareTest('the profiles are read to the end when only one of several files holds another type', async () => {
  const other = await filesWith('post_count', 'CAST(post_count AS varchar)');
  await replaceFiles([...good, ...other]);
  const report = await harness.warm({ parts: ['profiles'], allProfiles: true });
  expect(report.warnings.join()).toMatch(/kol_profiles\.post_count cannot be read/);
  const [[ids] = []] = await harness.trino(
    `SELECT count(DISTINCT kol_id) FROM ${harness.schema}.kol_profiles`,
  );
  expect((await harness.redis.keys('kol:profile:*')).length).toBe(Number(ids));
});

test("an unreadable id fails the part with Trino's message, and the cached keys stay", async () => {
  const other = await filesWith('kol_id', 'true');
  await harness.warm({ parts: ['lists'] });
  const before = await harness.redis.get('kol:profiles:list:all');
  await replaceFiles(other);
  const failure = await harness.failure({ parts: ['lists'], allowShrink: true });
  expect(failure.message).toMatch(/NOT_SUPPORTED/);
  expect(await harness.redis.get('kol:profiles:list:all')).toBe(before);
});

test('sets that a damaged column would empty stay until they expire, and the other sets of their parts are warmed', async () => {
  const { redis } = harness;
  const warm = () => harness.warm({ parts: ['rankings', 'trending', 'stats'] });
  const contents = hiveFiles(harness.schema.replace('hive.', ''), 'kol_content');
  const readable = [...(await contents.read()).values()];
  const replaceContents = async (changed: readonly Buffer[]) => {
    await contents.clear();
    await contents.write(changed, OLD);
  };
  await replaceFiles(good);
  await warm();
  const keysOf = async (kind: string) => (await allKeys(redis)).filter((key) => key.startsWith(kind));
  const left = (
    await Promise.all(['kol:top:engagement:', 'content:trending:', 'stats:daily:'].map(keysOf))
  ).flat();
  const followers = await keysOf('kol:top:followers:');
  expect(left.length).toBeGreaterThan(10);
  for (const key of [...left, ...followers]) await redis.expire(key, 300);

  const damaged = ['engagement_rate', 'posted_at', 'kol_id'];
  await replaceContents(readable.map((file) => damaged.reduce(damageColumn, file)));
  try {
    const { parts, warnings } = await warm();
    // an empty filter would mean that no KOL has content
    expect(await redis.exists(OWNERS)).toBe(0);
    expect(warnings.join()).toMatch(
      /kol_content\.engagement_rate cannot be read[^]*kol_content\.posted_at cannot/,
    );
    expect(parts.map(({ removed }) => removed)).toEqual([0, 1, 0]); // the filter
    for (const { skipped } of parts)
      expect(skipped.join()).toMatch(/\d+ sets left to expire, such as .* while a column cannot be read/);
    for (const key of left) {
      expect(await redis.ttl(key), key).toBeGreaterThan(0);
      expect(await redis.ttl(key), key).toBeLessThanOrEqual(300);
    }
    for (const key of followers) expect(await redis.ttl(key), key).toBeGreaterThan(300);
  } finally {
    await replaceContents(readable);
  }
  expect((await warm()).warnings).toEqual([]);
  for (const key of [...left, OWNERS]) expect(await redis.ttl(key), key).toBeGreaterThan(300);
});
