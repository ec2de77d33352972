import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { measureProfileSize } from '../../../cache/popularity/profile-size.ts';
import { addReads, readKnownReads } from '../../../cache/popularity/read-counts.ts';
import { createCacheReader } from '../../../cache/reading/cache-reader.ts';
import { tableSource, trendingSource } from '../../../cache/reading/entity-sources.ts';
import { fillItem } from '../../../cache/reading/fill-entry.ts';
import { createKnownIds } from '../../../cache/reading/known-ids.ts';
import { NotCachedError } from '../../../cache/reading/not-cached.ts';
import { createReadThrough } from '../../../cache/reading/read-through.ts';
import { readMemoryInfo } from '../../../cache/redis/memory-info.ts';
import { deleteUnlessStreamed } from '../../../cache/writing/delete-entries.ts';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import type { MlApi } from '../../../clients/ml-api.ts';
import { cachedAtOf, closeRedis, readRedisTime, type RedisClient } from '../../../clients/redis.ts';
import { filteredIds, knownIds } from '../../../domain/entities/known-ids.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { trending } from '../../../domain/entities/trending.ts';
import { addToFilter, createBloomFilter } from '../../../domain/values/bloom-filter.ts';
import type { TableVersions } from '../../../domain/warming/table-version.ts';
import { idsOf, NOW, profileEntries, profileOf, scannedProfileIds } from '../../support/cache-values.ts';
import { keysWithoutTtl } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { connectTo, describeOnRedisAndCluster } from '../../support/redis-targets.ts';

describeOnRedisAndCluster('reading', (target) => {
  describe('by the warm', () => {
    test('scans all cached profiles, and measures their size and the memory of Redis', async () => {
      const { redis } = target;
      const cached = idsOf(2500).sort();
      await writeEntries(redis, profileEntries(cached));
      await writeEntries(redis, [{ key: 'test:other', ttlSeconds: 9, type: 'list', items: ['x'] }]);
      expect(await scannedProfileIds(redis)).toEqual(cached);
      expect(await readMemoryInfo(redis)).toMatchObject({ keys: 2501, maxBytes: 0, policy: 'noeviction' });
      expect(await measureProfileSize(redis)).toBeLessThan(1000); // the default where no profile is found
    });

    test('returns the most-read profiles first', async () => {
      const { redis } = target;
      await addReads(redis, new Map(idsOf(250).map((id, index) => [id, index + 1])));
      const { recent: counted } = await readKnownReads(redis, new Date());
      expect(counted).toHaveLength(250);
      expect(counted[0]?.id).toBe('kol-249');
    });
  });

  describe('by a client that fails fast', () => {
    let serving: RedisClient;
    const problems: unknown[] = [];
    const dependencies = () => ({
      redis: serving,
      now: () => NOW,
      onProblem: (problem: unknown) => problems.push(problem),
    });
    beforeAll(async () => {
      serving = await connectTo(target.url, 'serve');
    });
    afterEach(() => expect(problems).toEqual([]));
    afterAll(() => closeRedis(serving));

    test('finds many cached profiles in one read, without the lakehouse', async () => {
      const cached = idsOf(200);
      await writeEntries(target.redis, profileEntries(cached));
      const reader = createCacheReader({
        ...dependencies(),
        lakehouse: {} as Lakehouse,
        mlApi: {} as MlApi,
        listSize: 100,
        maxShrinkPercent: 50,
        onRejected: () => {},
      });
      const found = await reader.cachedProfiles([...cached, 'missing']);
      expect([...found.keys()]).toEqual(cached);
      expect(found.get('kol-7')).toMatchObject({ kol_id: 'kol-7', followers_count: 7 });
    });

    test('fills a missing profile, and serves a cached one without the source', async () => {
      await writeEntries(target.redis, profileEntries(['kol-7'], 7));
      const { read } = createReadThrough(
        tableSource(profile, (ids) => Promise.resolve(ids.map((id) => profileOf(id, 9)))),
        dependencies(),
      );
      const outcomes = async () =>
        new Set((await Promise.all(idsOf(50, 'new-').map((id) => read(id)))).map(({ outcome }) => outcome));
      expect(await outcomes()).toEqual(new Set(['miss']));
      expect(await outcomes()).toEqual(new Set(['hit']));
      expect(await read('kol-7')).toMatchObject({ outcome: 'hit', value: { followers_count: 7 } });
    });

    test('a warm replaces a row that a miss cached before it, also if the clock of the API is ahead', async () => {
      const { read } = createReadThrough(
        tableSource(profile, (ids) => Promise.resolve(ids.map((id) => profileOf(id, 9)))),
        { ...dependencies(), now: () => new Date(Date.now() + 3_600_000) },
      );
      expect((await read('kol-7')).outcome).toBe('miss');
      const readAt = cachedAtOf((await readRedisTime(target.redis)) + 1000);
      await writeEntries(target.redis, profileEntries(['kol-7'], 10, new Date(readAt)));
      expect((await read('kol-7')).value).toMatchObject({ followers_count: 10 });
    });

    test('reads many ids in their order: cached ones from Redis, the others in one query, each failing alone', async () => {
      await writeEntries(target.redis, profileEntries(['kol-7', 'kol-8'], 7));
      const queries: (readonly string[])[] = [];
      const { readMany } = createReadThrough(
        {
          ...tableSource(profile, (ids) => {
            // On a cluster each node grants its leases when it can: their order is open.
            queries.push([...ids].sort());
            return Promise.resolve(ids.filter((id) => id !== 'nobody').map((id) => profileOf(id, 9)));
          }),
        },
        dependencies(),
      );
      const ids = ['new-1', 'kol-8', 'nobody', 'kol-7', 'new-2'];
      const outcomes = async () =>
        (await readMany(ids)).map((result) =>
          result.status === 'fulfilled' ? [result.value.outcome, result.value.value?.kol_id] : [],
        );
      expect(await outcomes()).toEqual([
        ['miss', 'new-1'],
        ['hit', 'kol-8'],
        ['miss', undefined],
        ['hit', 'kol-7'],
        ['miss', 'new-2'],
      ]);
      expect(queries).toEqual([['new-1', 'new-2', 'nobody']]);
      expect((await outcomes()).map(([outcome]) => outcome)).toEqual([
        'hit',
        'hit',
        'negative',
        'hit',
        'hit',
      ]);
      expect(queries).toHaveLength(1);
    });

    test('reads 100 cached ids in one round trip to each node', async () => {
      const ids = idsOf(100);
      await writeEntries(target.redis, profileEntries(ids));
      const noQuery = () => Promise.reject(new Error('a query'));
      const { readMany } = createReadThrough(tableSource(profile, noQuery), dependencies());
      const pipelines = vi.spyOn(serving, 'pipeline');
      try {
        const outcomes = (await readMany(ids)).map(
          (read) => read.status === 'fulfilled' && read.value.outcome,
        );
        expect(outcomes).toEqual(ids.map(() => 'hit'));
        expect(pipelines).toHaveBeenCalledTimes(target.masters.length);
      } finally {
        pipelines.mockRestore();
      }
    });

    test('does not fill a key that another writer has filled in between', async () => {
      await writeEntries(target.redis, profileEntries(['kol-7'], 7));
      const [entry] = profileEntries(['kol-7'], 1);
      if (entry === undefined) throw new Error('no entry');
      expect(await fillItem(serving, entry, { state: 'absent' }, 1)).toBe(false);
      expect(await target.redis.hget(entry.key, 'followers_count')).toBe('7');
      // Nor one that was unusable, and that another writer has replaced.
      const seen = { state: 'unusable', reply: { kol_id: 'kol-7', cached_at: 'earlier' } } as const;
      expect(await fillItem(serving, entry, seen, 1)).toBe(false);
      const unchanged = { ...seen, reply: { kol_id: 'kol-7', cached_at: NOW.toISOString() } };
      expect(await fillItem(serving, entry, unchanged, 1)).toBe(true);
    });

    // Braces in an id need not be a hash tag. All at the same time, because each waits for its fence to end.
    test('does not bring back a profile that a warm has deleted during the read, whatever its id', async () => {
      const { redis } = target;
      await Promise.all(['kol-7', 'a{b', '}a{', 'a{}b'].map(readDuringRemoval));
      expect(await keysWithoutTtl(redis)).toEqual([]);

      async function readDuringRemoval(id: string) {
        let loads = 0;
        const { read } = createReadThrough(
          tableSource(profile, async (ids) => {
            loads += 1;
            if (loads === 2) return [];
            // The row was read; then a load removed it, and a warm noticed.
            if (loads === 1)
              await deleteUnlessStreamed(redis, ids.map(profile.key), await readRedisTime(redis));
            return ids.map((each) => profileOf(each, 9));
          }),
          dependencies(),
        );
        // Not the row that was read before: this reader may have come after the removal.
        expect(await read(id), id).toMatchObject({ outcome: 'miss', value: null });
        expect(await redis.exists(profile.key(id)), id).toBe(0);
        // A later read finds the row that a load has brought back.
        await until('it is found', async () => (await read(id)).ttlSeconds === profile.ttlSeconds);
        expect(await redis.exists(profile.key(id)), id).toBe(1);
      }
    });

    test('does not replace a list that a warm has read and written later', async () => {
      const { redis } = target;
      const key = trending.key('tiktok');
      const { read } = createReadThrough(
        {
          ...trendingSource({} as Lakehouse, () => NOW, {}),
          async load() {
            await replaceSet(redis, trending.toEntry('tiktok', ['newer']), await readRedisTime(redis));
            return ['older'];
          },
        },
        dependencies(),
      );
      expect(await read('tiktok')).toMatchObject({ value: ['newer'] });
      expect(await redis.lrange(key, 0, -1)).toEqual(['newer']);
    });

    test.each([
      ['lacks a field', (key: string) => target.redis.hdel(key, 'bio')],
      ['has no TTL', (key: string) => target.redis.persist(key)],
    ])('reads a hash again and replaces it when it %s', async (_, spoil) => {
      await writeEntries(target.redis, profileEntries(['kol-7'], 7));
      await spoil(profile.key('kol-7'));
      const { read } = createReadThrough(
        tableSource(profile, (ids) => Promise.resolve(ids.map((id) => profileOf(id, 9)))),
        dependencies(),
      );
      const mended = { value: { followers_count: 9 }, ttlSeconds: profile.ttlSeconds };
      expect(await read('kol-7')).toMatchObject({ outcome: 'miss', ...mended });
      expect(problems.splice(0)).toHaveLength(1);
      expect(await read('kol-7')).toMatchObject({ outcome: 'hit', value: { followers_count: 9 } });
      expect(await target.redis.ttl(profile.key('kol-7'))).toBeGreaterThan(0);
    });

    test('finds ids that do not exist in the filter of a warm, and queries the version of the table once', async () => {
      const at = (id: string): TableVersions => ({ kol_profiles: { kind: 'snapshot', id, since: '' } });
      const known = idsOf(1000);
      const filter = createBloomFilter(known.length);
      for (const id of known) addToFilter(filter, id);
      const version = knownIds.versionOf('kol_profiles', at('1')) ?? '';
      const entry = knownIds.toEntry('kol_profiles', version, Buffer.from(filter).toString('base64'), 1, NOW);
      let asked = 0;
      /** The answers of a new process, for known and for unknown ids. */
      const answers = async (tableVersions: () => Promise<TableVersions>, redis = serving) => {
        asked = 0;
        const countedVersions = () => ((asked += 1), tableVersions());
        const mayExist = createKnownIds(
          { redis, lakehouse: { comparedVersions: countedVersions }, waitSeconds: 0.5 },
          () => {},
        )(filteredIds.profiles);
        const all = [...known, ...idsOf(1000, 'unknown-')];
        const found = await Promise.all(all.map(mayExist));
        return [...new Set(found.slice(0, 1000)), ...new Set(found.slice(1000))];
      };
      const current = () => Promise.resolve(at('1'));
      expect([await answers(current), asked]).toEqual([[true, true], 0]); // without a filter
      await replaceSet(target.redis, entry, await readRedisTime(target.redis));
      expect([await answers(current), asked]).toEqual([[true, false], 1]);
      expect(await answers(() => Promise.resolve(at('2')))).toEqual([true, true]);
      expect(await answers(() => Promise.resolve({ kol_profiles: { kind: 'unknown' } }))).toEqual([
        true,
        true,
      ]);
      expect(await answers(() => Promise.reject(new Error('Trino is away')))).toEqual([true, true]);
      expect(await answers(() => new Promise(() => {}))).toEqual([true, true]); // Trino hangs
      const gone = await connectTo(target.url, 'serve');
      gone.disconnect();
      expect([await answers(current, gone), asked]).toEqual([[true, true], 0]);
    });

    test('sends the lakehouse no query while read-through is off, not even to check whether an id exists', async () => {
      const asked: string[] = [];
      const ask = (what: string) => {
        asked.push(what);
        return Promise.resolve(false);
      };
      const { read } = createReadThrough(
        {
          ...tableSource(profile, () => ask('rows').then(() => [])),
          mayExist: () => ask('versions'),
          guard: { checks: 'absence', accepts: () => ask('shrinkage') },
        },
        { ...dependencies(), switches: () => ({ readThrough: false, earlyRefresh: true }) },
      );
      await expect(read('nobody')).rejects.toThrow(NotCachedError);
      expect(asked).toEqual([]);
    });

    test('fills a missing list', async () => {
      const { read } = createReadThrough(
        {
          ...trendingSource({} as Lakehouse, () => NOW, { onRejected: () => {} }),
          load: () => Promise.resolve(['a', 'b']),
        },
        dependencies(),
      );
      expect(await read('tiktok')).toMatchObject({ outcome: 'miss', value: ['a', 'b'] });
      expect(await read('tiktok')).toMatchObject({ outcome: 'hit', value: ['a', 'b'] });
    });
  });
});
