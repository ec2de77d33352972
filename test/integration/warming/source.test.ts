import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { searchIndex } from '../../../domain/entities/search-index.ts';
import { ALL } from '../../../domain/values/text-ids.ts';
import { allKeys } from '../../support/redis.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const SCOPED = ['profiles', 'rankings', 'lists', 'trending'] as const;
const LIST = 'kol:profiles:list:all';
let harness: WarmHarness;
let checks = 0;
beforeAll(async () => {
  harness = await warmHarness(9, {}, (real) => ({
    checkSourceSchema: (args) => {
      checks += 1;
      return real.checkSourceSchema(args);
    },
  }));
});
afterAll(() => harness.stop());
beforeEach(async () => {
  await harness.redis.flushdb();
  checks = 0;
});

describe('a warm with a scope', () => {
  test('of platforms writes only their sets and the sets of all platforms', async () => {
    const scope = { platforms: ['tiktok'] };
    const report = await harness.warm({
      scopes: { profiles: scope, rankings: scope, lists: scope, trending: scope },
    });
    expect(report.parts.map(({ part }) => part).sort()).toEqual([...SCOPED].sort());
    const { redis, trino, schema } = harness;
    const ids = await trino(`SELECT kol_id FROM ${schema}.kol_profiles WHERE platform = 'tiktok'`);
    const keys = (await allKeys(redis)).filter((key) => !key.startsWith('content:detail:'));
    const ranked = ['engagement', 'followers'].flatMap((kind) =>
      ['all', 'tiktok'].flatMap((platform) =>
        [100, 50].map((limit) => `kol:top:${kind}:${platform}:${limit}`),
      ),
    );
    const trending = ['all', 'tiktok'].flatMap((platform) => [
      `content:trending:${platform}:50`,
      `{content:trending:${platform}:50}:heat`,
    ]);
    expect(keys).toEqual(
      [
        ...ids.map(([id]) => `kol:profile:${String(id)}`),
        ...ranked,
        ...trending,
        'cache:known-ids:kol_content',
        'cache:known-ids:kol_content:kol_id',
        'kol:profiles:list:all',
        'kol:profiles:list:tiktok',
      ].sort(),
    );
    // A scoped warm does not count as a warm of the part: the next warm reads all of it.
    expect((await harness.warm({ parts: ['lists'] })).renewed).toBe(0);
  });

  test('of one platform writes the search indexes of all platforms that its list names', async () => {
    await harness.warm({ scopes: { search: { platforms: ['tiktok'] } } });
    const platforms = await harness.redis.zrange(searchIndex.key(ALL), '0', '-1');
    expect(platforms.length).toBeGreaterThan(1);
    for (const platform of platforms)
      expect(await harness.redis.exists(searchIndex.key(platform)), platform).toBe(1);
  });

  test('of ids writes only their keys, and removes those that the lakehouse does not have', async () => {
    const { redis, trino, schema } = harness;
    const id = String((await trino(`SELECT max(kol_id) FROM ${schema}.kol_profiles`))[0]?.[0]);
    const video = String((await trino(`SELECT max(content_id) FROM ${schema}.kol_content`))[0]?.[0]);
    await redis.hset('kol:profile:gone', { kol_id: 'gone' });
    await redis.hset('content:detail:gone', { content_id: 'gone' });
    await redis.hset('content:detail:streamed', { content_id: 'streamed', event_time_ms: '1' });
    const scopes = {
      profiles: { ids: [id, 'gone', 'never-cached'] },
      trending: { ids: [video, 'gone', 'streamed'] },
    };
    expect(await harness.warm({ scopes, dryRun: true })).toMatchObject({ keys: 2, removed: 2 });
    const report = await harness.warm({ scopes });
    expect(report).toMatchObject({ keys: 2, removed: 2 });
    expect(await allKeys(redis)).toEqual(
      [`kol:profile:${id}`, `content:detail:${video}`, 'content:detail:streamed'].sort(),
    );
  });

  test.each([
    [{ rankings: { ids: ['1'] } }],
    [{ profiles: {} }],
    [{ profiles: { platforms: [] } }],
    [{ profiles: { platforms: ['Not A Platform'] } }],
    [{ profiles: { ids: Array.from({ length: 1001 }, (_, index) => String(index)) } }],
    [{ everything: { ids: ['1'] } }],
  ])('is refused when it is invalid, with the accepted values: %j', async (scopes) => {
    const failure = await harness.failure({ scopes: scopes as never });
    expect(failure.type).toBe('InvalidInput');
    expect(failure.message).toContain(
      'such as {"rankings": {"platforms": ["tiktok"]}} or {"profiles": {"ids": ["1"]}}',
    );
    expect(failure.message).toContain('ids only for profiles and trending, at most 1000');
  });
});

describe('rows that break the contract', () => {
  const NOW = `'${new Date().toISOString()}'`;
  /** Adds copies of the rows of a platform. @param changes column → the SQL expression of its value in the copy */
  async function copy(table: string, changes: Readonly<Record<string, string>>, where: string) {
    const { trino, schema } = harness;
    const columns = await trino(`SHOW COLUMNS FROM ${schema}.${table}`);
    const values = columns.map(([name]) => changes[String(name)] ?? String(name)).join(', ');
    await trino(
      `INSERT INTO ${schema}.${table} SELECT ${values} FROM ${schema}.${table} WHERE platform = 'tiktok' AND ${where}`,
    );
  }
  afterEach(async () => {
    const { trino, schema } = harness;
    await trino(`DELETE FROM ${schema}.kol_profiles WHERE coalesce(kol_id, '') IN ('', 'odd')`);
    await trino(`DELETE FROM ${schema}.kol_content WHERE coalesce(content_id, '') = ''`);
  });

  test('get no place in a set without an id', async () => {
    const { redis } = harness;
    const parts = ['rankings', 'trending', 'lists'] as const;
    const setsOf = async () => {
      const rankings = ['kol:top:followers:tiktok:50', 'kol:top:engagement:tiktok:50'];
      const ranked = await Promise.all(rankings.map((key) => redis.zrange(key, 0, '-1')));
      return [...ranked, await redis.lrange('content:trending:tiktok:50', 0, -1)];
    };
    await harness.warm({ parts });
    const before = await setsOf();
    for (const id of [`''`, 'NULL']) {
      await copy('kol_profiles', { kol_id: id, followers_count: '9000000000' }, `kol_id <> ''`);
      const hot = { views: '9000000000', engagement_rate: '1000', posted_at: NOW };
      await copy('kol_content', { ...hot, content_id: id, kol_id: id }, `content_id <> ''`);
    }
    await harness.warm({ parts });
    const after = await setsOf();
    for (const set of after) expect(set).not.toContain('');
    expect(after.map(({ length }) => length)).toEqual(before.map(({ length }) => length));
    const list = JSON.parse((await redis.get('kol:profiles:list:tiktok')) ?? '[]') as unknown[];
    expect(list).toHaveLength(48);
  });

  test('keep their other values when a count is negative or too large', async () => {
    const { redis } = harness;
    const counts = { followers_count: '9007199254740993', post_count: '-1' };
    await copy('kol_profiles', { ...counts, kol_id: `'odd'` }, 'following_count > 0 LIMIT 1');
    const parts = ['profiles', 'lists', 'search'] as const;
    const report = await harness.warm({ parts, allProfiles: true });
    expect(report.parts.map(({ rejected }) => rejected)).toEqual([0, 0, 0]);
    const cached = await redis.hmget(
      'kol:profile:odd',
      'kol_id',
      'followers_count',
      'post_count',
      'following_count',
    );
    expect(cached).toEqual(['odd', '', '', expect.stringMatching(/^[1-9]\d*$/)]);
    expect(report.warnings).toContainEqual(
      expect.stringContaining(
        'profiles: 2 values are cached as unknown, e.g. followers_count: "9007199254740993" is not a count',
      ),
    );
  });
});

describe('the source schema', () => {
  /** Replaces the profiles table by a view while `work` runs; null removes the table. */
  async function withProfiles(select: string | null, work: () => Promise<void>): Promise<void> {
    const { trino, schema } = harness;
    await trino(`ALTER TABLE ${schema}.kol_profiles RENAME TO ${schema}.real_profiles`);
    try {
      if (select !== null)
        await trino(`CREATE VIEW ${schema}.kol_profiles AS SELECT ${select} FROM ${schema}.real_profiles`);
      await work();
    } finally {
      if (select !== null) await trino(`DROP VIEW ${schema}.kol_profiles`);
      await trino(`ALTER TABLE ${schema}.real_profiles RENAME TO ${schema}.kol_profiles`);
    }
  }
  /** The select list of all columns; `change` replaces some, and null leaves one out. */
  const columns = (change: Readonly<Record<string, string | null>>) =>
    [
      'kol_id',
      'platform',
      'username',
      'display_name',
      'description',
      'followers_count',
      'following_count',
      'post_count',
      'verified',
      'category',
      'profile_url',
      'account_created_at',
      'source',
      'processed_at',
    ]
      .flatMap((name) => (change[name] === undefined ? [name] : (change[name] ?? [])))
      .join(', ');

  test.each([
    ['a missing table', null, 'kol_profiles: found no such table, accepted is a table or view'],
    [
      'missing columns, all of them at once',
      columns({ platform: null, description: null }),
      'kol_profiles.platform: found no such column, accepted is platform of type varchar or char; kol_profiles.description: found no such column, accepted is description (or bio) of type varchar or char',
    ],
    [
      'a type that is not accepted',
      columns({ verified: "'yes' AS verified" }),
      'kol_profiles.verified: found varchar(3), accepted is boolean or integer or bigint or smallint or tinyint',
    ],
  ])(
    'with %s fails the parts that read the table before any write, with the required fix',
    async (_, select, problems) => {
      const { redis } = harness;
      await harness.warm({ parts: ['lists'] });
      const lists = await redis.get(LIST);
      await redis.expire(LIST, 60);
      checks = 0;
      await withProfiles(select, async () => {
        const failure = await harness.failure();
        expect(failure.type).toBe('WarmIncomplete');
        expect(failure.message).toMatch(/^5 of 6 parts failed; the others are warm\. /);
        for (const part of ['profiles', 'rankings', 'stats', 'search', 'lists'])
          expect(failure.message).toContain(
            `${part}: The source schema is not as expected. The cache keeps what it has. Fix: ${problems}.`,
          );
        expect(checks).toBe(1);
        const others = (await allKeys(redis)).filter((key) => !key.startsWith('kol:profiles:list:'));
        expect(
          others.filter((key) => !/^(?:\{?content:|cache:metadata$|cache:known-ids:kol_content)/.test(key)),
        ).toEqual([]);
        expect(others).toContain('content:trending:all:50');
      });
      expect(await redis.get(LIST)).toBe(lists);
      expect(await redis.ttl(LIST)).toBeGreaterThan(60);
    },
  );

  test('that no requested part can use fails the warm as a mismatch', async () => {
    await withProfiles(columns({ verified: "'yes' AS verified" }), async () => {
      const failure = await harness.failure({ parts: ['lists', 'rankings'] });
      expect(failure.type).toBe('SourceSchemaMismatch');
      expect(failure.message).toContain('kol_profiles.verified: found varchar(3)');
    });
  });

  test('with a table that is missing for a moment fails nothing', async () => {
    let warm: Promise<unknown> = Promise.resolve();
    await withProfiles(null, async () => {
      warm = harness.warm({ parts: ['lists', 'trending'] });
      warm.catch(() => {});
      await expect.poll(() => checks, { timeout: 30_000 }).toBe(1);
      await sleep(1000);
    });
    expect(await warm).toMatchObject({ parts: [{ part: 'trending' }, { part: 'lists' }] });
  });

  test('with verified as INTEGER and description under its old name bio is accepted, and the renamed column is reported', async () => {
    const { redis, trino, schema } = harness;
    const select = columns({
      verified: 'CAST(verified AS INTEGER) AS verified',
      description: 'description AS bio',
    });
    await withProfiles(select, async () => {
      const report = await harness.warm({ parts: ['profiles', 'stats'] });
      expect(report.renamed).toEqual(['kol_profiles.bio for description']);
      const [[id, bio, verified] = []] = await trino(
        `SELECT kol_id, bio, CAST(CAST(verified AS BOOLEAN) AS VARCHAR) FROM ${schema}.kol_profiles WHERE bio <> '' AND verified = 1 LIMIT 1`,
      );
      expect(await redis.hmget(`kol:profile:${String(id)}`, 'bio', 'verified')).toEqual([bio, verified]);
      const [[count] = []] = await trino(`SELECT count_if(verified = 1) FROM ${schema}.kol_profiles`);
      expect(await redis.hget('stats:platform', 'verified_count')).toBe(String(count));
    });
  });
});
