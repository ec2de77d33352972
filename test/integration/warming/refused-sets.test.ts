import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test } from 'vitest';
import { createWarmLists } from '../../../activities/warming/warm-lists.ts';
import { createWarmSearch } from '../../../activities/warming/warm-search.ts';
import { raiseRemovalFence } from '../../../cache/writing/raise-fences.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { TrinoQueryError, UnreadableIdError } from '../../../clients/lakehouse/trino-errors.ts';
import type { Profile } from '../../../domain/entities/profile.ts';
import type { NamedKol } from '../../../domain/search/build-index.ts';
import type { TableVersion } from '../../../domain/warming/table-version.ts';
import {
  profilesOn,
  runActivity,
  snapshot,
  useOwnRedis,
  versionsOf,
  WARM,
  warmDependencies,
} from '../../support/run-activity.ts';

const redis = await useOwnRedis();

const LIST = 'kol:profiles:list:tiktok';
const [tiktok, twitter] = [profilesOn('tiktok', 48), profilesOn('twitter', 400)];

/** Warms the lists of profiles once. @param lists the profiles of each platform */
const warmLists = (
  version: TableVersion,
  lists: Readonly<Record<string, readonly Profile[]>>,
  more: Partial<Lakehouse> = {},
  settings: { readonly graceSeconds?: number } = {},
) => {
  const reads: Partial<Lakehouse> = {
    tableVersions: (tables) => Promise.resolve(versionsOf(tables, version)),
    countRows: () => Promise.resolve(448),
    profileLists: () => Promise.resolve(new Map(Object.entries(lists)) as never),
    ...more,
  };
  const deps = { ...warmDependencies(redis, reads), ...settings, sizes: { listSize: 1000 } };
  return runActivity(createWarmLists(deps), WARM);
};

describe('a warm of lists', () => {
  test('whose platform has lost the ids of all its rows is refused, although the table has as many rows', async () => {
    await warmLists(snapshot(1), { tiktok, twitter });
    const cached = await redis.get(LIST);
    await expect(warmLists(snapshot(2), { tiktok: [], twitter })).rejects.toThrow(
      `${LIST} fell from 48 to 0`,
    );
    expect(await redis.get(LIST)).toBe(cached);
  });

  /** A read of a table of which one column cannot be read. */
  const without = (
    column: string,
    lists: Readonly<Record<string, readonly Profile[]>>,
  ): Partial<Lakehouse> => ({
    profileLists(_limit, _scope, options) {
      options?.onUnreadable?.({ table: 'kol_profiles', column, reason: 'NOT_SUPPORTED' });
      return Promise.resolve(new Map(Object.entries(lists)) as never);
    },
  });

  test('is refused when a platform has lost its rows, also while a column that decides no member cannot be read', async () => {
    await warmLists(snapshot(1), { tiktok, twitter });
    await expect(warmLists(snapshot(2), {}, without('verified', { twitter }))).rejects.toThrow(
      `${LIST} fell from 48 to 0`,
    );
    await expect(warmLists(snapshot(2), {}, without('verified', {}))).rejects.toMatchObject({
      type: 'EmptyRead',
    });
    expect(await redis.exists(LIST)).toBe(1);
  });

  test('removes the list of a small platform that has lost its rows, also while a column that decides no member cannot be read', async () => {
    await warmLists(snapshot(1), { tiktok: tiktok.slice(0, 5), twitter });
    const report = await warmLists(snapshot(2), {}, without('verified', { twitter }));
    expect(report).toMatchObject({ removed: 1, unreadableColumns: 1 });
    expect(await redis.exists(LIST)).toBe(0);
  });

  test('keeps the list of a platform while the platforms cannot be read', async () => {
    await warmLists(snapshot(1), { tiktok, twitter });
    const { skipped } = await warmLists(snapshot(2), {}, without('platform', { all: twitter }));
    expect(skipped.join()).toContain('2 sets left to expire');
    expect(await redis.exists(LIST)).toBe(1);
  });

  test('of a view that has lost a platform is refused, and the cached keys of the platform are renewed', async () => {
    const view = { kind: 'unknown' } as const;
    await warmLists(view, { tiktok, twitter });
    await redis.expire(LIST, 60);
    await expect(warmLists(view, { twitter })).rejects.toThrow(`${LIST} fell from 48 to 0`);
    expect(await redis.ttl(LIST)).toBeGreaterThan(60);
  });

  test('of a view that has lost a small platform keeps its list until it expires', async () => {
    const view = { kind: 'unknown' } as const;
    await warmLists(view, { tiktok: tiktok.slice(0, 5), twitter });
    await redis.expire(LIST, 60);
    const { skipped } = await warmLists(view, { twitter });
    expect(skipped.join()).toContain('nothing removed: the version of a table is not known');
    expect(await redis.ttl(LIST)).toBeLessThanOrEqual(60);
  });

  test('is read again when an operator removed values during the read, and does not count as a warm until then', async () => {
    await warmLists(snapshot(1), { tiktok });
    const newer = tiktok.map((row) => ({ ...row, followers_count: 8 }));
    const removing = {
      async profileLists() {
        await raiseRemovalFence(redis);
        return new Map([['tiktok', newer]]) as never;
      },
    };
    await expect(warmLists(snapshot(2), {}, removing)).rejects.toThrow(
      'An operator removed values from the cache while lists was read',
    );
    await redis.del(LIST);
    await expect(warmLists(snapshot(2), {}, removing)).rejects.toThrow('An operator removed values');
    expect(await warmLists(snapshot(2), { tiktok: newer })).toMatchObject({ rowsRead: 48, keys: 1 });
    expect(await redis.get(LIST)).toContain('"followers_count":8');
  });

  test('reports no column that only a discarded read could not read', async () => {
    const files = (fingerprint: string) =>
      ({ kind: 'files', fingerprint, newestMs: Date.now() - 60_000 }) as const;
    let version = files('a');
    const reads: Partial<Lakehouse> = {
      tableVersions: (tables) => Promise.resolve(versionsOf(tables, version)),
      profileLists: (_limit, _scope, options) => {
        if (version.fingerprint === 'a')
          options?.onUnreadable?.({ table: 'kol_profiles', column: 'verified', reason: 'NOT_SUPPORTED' });
        version = files('b');
        return Promise.resolve(new Map([['tiktok', tiktok]]) as never);
      },
    };
    expect(await warmLists(version, {}, reads)).toMatchObject({ warnings: [], unreadableColumns: 0 });
    expect(await redis.hget('cache:metadata', 'lists')).not.toContain('hasUnreadable');
  });

  test('names a column that cannot be read when it fails', async () => {
    const refused = warmLists(
      snapshot(1),
      {},
      {
        profileLists(_limit, _scope, options) {
          options?.onUnreadable?.({ table: 'kol_profiles', column: 'verified', reason: 'NOT_SUPPORTED: no' });
          throw new UnreadableIdError(new TrinoQueryError('1', 'NOT_SUPPORTED', 'USER_ERROR', 'no'));
        },
      },
    );
    await expect(refused).rejects.toMatchObject({
      type: 'SourceUnreadable',
      message: expect.stringContaining(
        'kol_profiles.verified cannot be read, and is cached as unknown: NOT_SUPPORTED: no',
      ) as string,
    });
  });

  test('of an unchanged table writes the sets again when WARM_GRACE_SECONDS has changed', async () => {
    await warmLists(snapshot(1), { tiktok });
    expect(await warmLists(snapshot(1), { tiktok })).toMatchObject({ rowsRead: 0, renewed: 1 });
    expect(await warmLists(snapshot(1), { tiktok }, {}, { graceSeconds: 500 })).toMatchObject({
      rowsRead: 48,
    });
    expect(await redis.ttl(LIST)).toBeGreaterThan(900 + 120);
  });
});

describe('a warm of lists after WARM_GRACE_SECONDS has changed', () => {
  test('is refused when a platform has lost its rows', async () => {
    await warmLists(snapshot(1), { tiktok, twitter });
    await expect(warmLists(snapshot(2), { twitter }, {}, { graceSeconds: 500 })).rejects.toThrow(
      `${LIST} fell from 48 to 0`,
    );
    expect(await redis.exists(LIST)).toBe(1);
  });
});

describe('a warm of the search', () => {
  const warmSearch = (
    day: number,
    names: (row: Profile) => readonly string[],
    activity = new MockActivityEnvironment(),
    more: Partial<Lakehouse> = {},
  ) => {
    const kols = tiktok.map((row): NamedKol => ({
      kol_id: row.kol_id,
      names: names(row),
      followers_count: 1,
    }));
    const reads: Partial<Lakehouse> = {
      tableVersions: (tables) =>
        Promise.resolve({ ...versionsOf(tables, snapshot(day)), kol_trust_features: { kind: 'unknown' } }),
      countRows: () => Promise.resolve(448),
      searchNames: () => Promise.resolve(new Map([['tiktok', kols]]) as never),
      async *allIds() {
        yield await Promise.resolve(tiktok.map(({ kol_id }) => kol_id));
      },
      ...more,
    };
    return runActivity(createWarmSearch(warmDependencies(redis, reads)), WARM, activity);
  };

  test('without any name is refused immediately, and the cached keys are renewed', async () => {
    await warmSearch(1, ({ kol_id }) => [kol_id]);
    const terms = await redis.zcard('search:autocomplete');
    await redis.expire('search:autocomplete', 60);
    await expect(warmSearch(2, () => [])).rejects.toMatchObject({
      type: 'ImplausiblyShrunk',
      nonRetryable: true,
      message: expect.stringContaining(`search:autocomplete fell from ${terms} to 0`) as string,
    });
    expect(await redis.ttl('search:autocomplete')).toBeGreaterThan(60);
  });

  describe('of which the table of features has lost most rows', () => {
    const FILTER = 'cache:known-ids:kol_trust_features';
    const features = (day: number, rows: number): Partial<Lakehouse> => ({
      tableVersions: (tables) =>
        Promise.resolve(versionsOf(tables, snapshot(tables.includes('kol_trust_features') ? day : 1))),
      countRows: (table) => Promise.resolve(table === 'kol_trust_features' ? rows : 448),
    });
    const search = (day: number, rows: number) =>
      warmSearch(1, ({ kol_id }) => [kol_id], new MockActivityEnvironment(), features(day, rows));

    test('keeps the filter of its ids for a day', async () => {
      await search(1, 100);
      await redis.expire(FILTER, 60);
      expect((await search(2, 10)).skipped.join()).toMatch(
        /the known ids of kol_trust_features are kept until .*fell from 100 to 10/,
      );
      expect(await redis.ttl(FILTER)).toBeGreaterThan(60);
    });

    test('lets the filter expire after a day, and then takes the table as it is', async () => {
      await search(1, 100);
      await redis.hset(FILTER, 'warmed_at', new Date(Date.now() - 25 * 3_600_000).toISOString());
      await redis.expire(FILTER, 60);
      expect((await search(2, 10)).skipped.join()).toContain('are not renewed any more');
      expect(await redis.ttl(FILTER)).toBeLessThanOrEqual(60);
      await redis.del(FILTER);
      await search(2, 10);
      expect(await redis.hget(FILTER, 'rows')).toBe('10');
    });
  });

  test('that is cancelled ends only after its last write', async () => {
    const activity = new MockActivityEnvironment();
    let hasEnded = false;
    const cancelled = warmSearch(1, () => [], activity, {
      // The check of the features ends at once.
      tableVersions: (tables, signal) =>
        tables.includes('kol_trust_features')
          ? new Promise((_, reject) =>
              signal?.addEventListener('abort', () => reject(new Error('cancelled'))),
            )
          : Promise.resolve(versionsOf(tables, snapshot(1))),
      async searchNames() {
        activity.cancel('CANCELLED');
        await sleep(100);
        hasEnded = true;
        return new Map() as never;
      },
    });
    await expect(cancelled).rejects.toThrow();
    expect(hasEnded).toBe(true);
  });
});
