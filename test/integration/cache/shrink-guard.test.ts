import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { createCacheReader } from '../../../cache/reading/cache-reader.ts';
import { tableSource } from '../../../cache/reading/entity-sources.ts';
import { createShrinkGuards } from '../../../cache/reading/shrink-guard.ts';
import { readPartMetadata, writePartMetadata } from '../../../cache/writing/part-metadata.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import type { MlApi } from '../../../clients/ml-api.ts';
import { filteredIds, knownIds } from '../../../domain/entities/known-ids.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { trending } from '../../../domain/entities/trending.ts';
import { versionTexts, type TableVersions } from '../../../domain/warming/table-version.ts';
import { contentOf, idsOf, NOW, partMetadataOf } from '../../support/cache-values.ts';
import { describeOnRedisAndCluster } from '../../support/redis-targets.ts';

/** The first query, and the one that all share which came during it. One more is allowed. */
const MOST_QUERIES = 3;

const versionsAt = (id: string): TableVersions => ({ kol_profiles: { kind: 'snapshot', id, since: '' } });

describeOnRedisAndCluster('the check whether a table has lost most of its rows', (target) => {
  /** The check after the last warm has read 100 rows of this version. */
  async function start(
    version: string,
    lakehouse: Parameters<typeof createShrinkGuards>[0]['lakehouse'],
    waitSeconds = 30,
  ) {
    const last = { ...partMetadataOf(100), tableRows: { kol_profiles: 100 } };
    const versions = versionTexts(versionsAt(version));
    await writePartMetadata(target.redis, 'profiles', { ...last, versions });
    const problems: unknown[] = [];
    const { guardRow } = createShrinkGuards({
      ...{ redis: target.redis, lakehouse, maxShrinkPercent: 50, waitSeconds },
      reportProblem: (_key, _step, error) => problems.push(error),
    });
    const { guard } = guardRow(
      'profiles',
      tableSource(profile, () => Promise.resolve([])),
    );
    return { accepts: async (key: string) => guard?.accepts(key, null), guard, problems };
  }

  /** Queries of `tableVersions` that are held wait for it. */
  let released: Promise<void>;
  let release: () => void;
  beforeEach(() => {
    released = new Promise((resolve) => (release = resolve));
  });

  /** Checks a thousand ids at once. The first query lasts until all of them wait for a query. */
  async function acceptThousand(accepts: (key: string) => Promise<boolean | undefined>) {
    const accepting = Promise.all(idsOf(1000).map(accepts));
    // Redis answers in order, so each of them has read the record of the last warm.
    await readPartMetadata(target.redis, 'profiles');
    await setImmediate();
    release();
    return new Set(await accepting);
  }

  test('is one query for many concurrent missing ids', async () => {
    let queries = 0;
    const tableVersions = async () => {
      queries += 1;
      await released;
      return versionsAt('1');
    };
    const { accepts, problems } = await start('1', { tableVersions, countRows: () => Promise.resolve(0) });
    expect(await acceptThousand(accepts)).toEqual(new Set([true]));
    expect(queries).toBeLessThanOrEqual(MOST_QUERIES);
    expect(problems).toEqual([]);
  });

  test.each(['tableVersions', 'countRows'] as const)(
    'refuses when the query of %s takes longer than a reader waits',
    async (hanging) => {
      const lakehouse = {
        tableVersions: () => Promise.resolve(versionsAt('2')),
        countRows: () => Promise.resolve(100),
        [hanging]: () => new Promise<never>(() => {}),
      };
      const { accepts, problems } = await start('1', lakehouse, 0.1);
      expect(await accepts('kol:profile:zoe')).toBe(false);
      expect(problems).toMatchObject([{ message: 'no answer within 0.1 s' }]);
    },
  );

  test('is one count for many ids of a view, whose version is unknown', async () => {
    let counts = 0;
    const { accepts, problems } = await start('1', {
      tableVersions: () => released.then(() => ({ kol_profiles: { kind: 'unknown' } })),
      countRows: () => Promise.resolve((counts += 1) && 100),
    });
    expect(await acceptThousand(accepts)).toEqual(new Set([true]));
    expect(counts).toBeLessThanOrEqual(MOST_QUERIES);
    expect(problems).toEqual([]);
  });

  test('refuses what it cannot check in time, and cancels the query', async () => {
    let signal: AbortSignal | undefined;
    const tableVersions = (_: unknown, caller?: AbortSignal) => {
      signal = caller;
      return new Promise<TableVersions>(() => {});
    };
    const lakehouse = { tableVersions, countRows: () => Promise.resolve(0) };
    const { accepts, problems } = await start('1', lakehouse, 0.1);
    expect(await accepts('kol:profile:zoe')).toBe(false);
    expect(signal?.aborted).toBe(true);
    expect(problems).toHaveLength(1);
  });

  test.each([
    [['a'], true],
    [[], false],
  ])('of trending content refuses only an empty list: %s', async (ids, isAccepted) => {
    const sets = { [trending.key('all')]: { ttlSeconds: 60, size: 50 } };
    await writePartMetadata(target.redis, 'trending', { ...partMetadataOf(100), sets });
    const lakehouse = {
      trending: () => Promise.resolve(new Map([['all', ids.map((id) => contentOf(id, 1))]])),
      tableVersions: () => Promise.resolve({ kol_content: { kind: 'unknown' } }),
      countRows: () => Promise.resolve(100),
    } as unknown as Lakehouse;
    const reader = createCacheReader({
      ...{ redis: target.redis, lakehouse, mlApi: {} as MlApi, listSize: 10, maxShrinkPercent: 50 },
      ...{ now: () => NOW, onProblem: () => {}, onRejected: () => {} },
    });
    const { refused = false } = await reader.trending('all');
    expect(refused).toBe(!isAccepted);
  });

  test('queries only the statistics for a platform that does not exist', async () => {
    await writePartMetadata(target.redis, 'rankings', partMetadataOf(100));
    const asked: string[] = [];
    const lakehouse = new Proxy({} as Lakehouse, {
      get: (_, name) => () => {
        asked.push(String(name));
        return Promise.resolve(name === 'platformStats' ? { by_platform: { tiktok: {} } } : new Map());
      },
    });
    const reader = createCacheReader({
      ...{ redis: target.redis, lakehouse, mlApi: {} as MlApi, listSize: 10, maxShrinkPercent: 50 },
      ...{ now: () => NOW, onProblem: () => {}, onRejected: () => {} },
    });
    await reader.platformStats(undefined);
    asked.length = 0;
    const id = { kind: 'followers', platform: 'nowhere', limit: 100 } as const;
    expect(await reader.ranking(id)).toMatchObject({ value: null, outcome: 'negative' });
    expect(asked.filter((name) => name !== 'platformStats')).toEqual([]);
  });

  test.each([
    ['a table that has half of its rows', 50, false, true],
    ['a table that lost most of them', 10, false, false],
    ['a table that lost most of them, and that the last warm has read so', 10, true, true],
  ])('accepts or refuses a missing score: %s', async (_, rows, isSame, isAccepted) => {
    const { name, table } = filteredIds.features;
    const at = (id: string): TableVersions => ({ [table]: { kind: 'snapshot', id, since: '' } });
    const entry = knownIds.toEntry(name, knownIds.versionOf(table, at('1')) ?? '', 'AA==', 100, new Date());
    await writeEntries(target.redis, [entry]);
    const { guardScore } = createShrinkGuards({
      ...{ redis: target.redis, maxShrinkPercent: 50, waitSeconds: 30, reportProblem: () => {} },
      lakehouse: {
        tableVersions: () => Promise.resolve(at(isSame ? '1' : '2')),
        countRows: () => Promise.resolve(rows),
      },
    });
    const { guard } = guardScore(tableSource(profile, () => Promise.resolve([])));
    expect(await guard?.accepts('kol:score:zoe', null)).toBe(isAccepted);
  });

  test.each([
    ['a load was done before the read began', -60_000, true],
    ['it began before the end of a load', 60_000, false],
  ])('accepts or refuses the removal of a cached row: %s', async (_, afterReadMs, isAccepted) => {
    const readMs = Date.now();
    const since = new Date(readMs + afterReadMs).toISOString();
    const tableVersions = () =>
      Promise.resolve({ kol_profiles: { kind: 'snapshot', id: '2', since } } satisfies TableVersions);
    const { guard } = await start('1', { tableVersions, countRows: () => Promise.resolve(100) });
    expect(await guard?.accepts('kol:profile:zoe', null, readMs)).toBe(isAccepted);
    expect(await guard?.accepts('kol:profile:zoe', null)).toBe(true);
  });
});
