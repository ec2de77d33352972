import { describe, expect, test } from 'vitest';
import { createCacheAdmin } from '../../../cache/admin/cache-admin.ts';
import { deletableKinds, kindsById } from '../../../cache/admin/cache-kinds.ts';
import { followSwitches } from '../../../cache/admin/switchboard.ts';
import { addReads, readKnownReads } from '../../../cache/popularity/read-counts.ts';
import { rankingSource, tableSource } from '../../../cache/reading/entity-sources.ts';
import { leaseKey } from '../../../cache/reading/leases.ts';
import { createReadThrough, type EntitySource } from '../../../cache/reading/read-through.ts';
import { removedSince } from '../../../cache/reading/removed-since.ts';
import { readCachedFiles, writeCachedFiles } from '../../../cache/writing/cached-files.ts';
import { deleteUnlessStreamed } from '../../../cache/writing/delete-entries.ts';
import { readHotIds, writeHotIds } from '../../../cache/writing/hot-ids.ts';
import { readPartMetadata, writePartMetadata } from '../../../cache/writing/part-metadata.ts';
import { fenceKey, REMOVAL_FENCE } from '../../../cache/writing/read-fence.ts';
import { createRecentSearches } from '../../../cache/writing/recent-searches.ts';
import { renewSets } from '../../../cache/writing/renew-sets.ts';
import { removeSet, replaceSet } from '../../../cache/writing/replace-set.ts';
import { mergeContentEvents, writeContentRows } from '../../../cache/writing/write-content.ts';
import { writeEngagement } from '../../../cache/writing/write-engagement.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { writeScores } from '../../../cache/writing/write-scores.ts';
import { updateTrending } from '../../../cache/writing/write-trending.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { cachedAtOf, readRedisTime, type RedisClient } from '../../../clients/redis.ts';
import { autocomplete } from '../../../domain/entities/autocomplete.ts';
import { cachedFiles } from '../../../domain/entities/cached-files.ts';
import { content } from '../../../domain/entities/content.ts';
import { engagement } from '../../../domain/entities/engagement.ts';
import { hotIds } from '../../../domain/entities/hot-ids.ts';
import { kolContent } from '../../../domain/entities/kol-content.ts';
import { cacheMetadata } from '../../../domain/entities/part-metadata.ts';
import { profileList } from '../../../domain/entities/profile-list.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { ranking } from '../../../domain/entities/ranking.ts';
import { recentReads } from '../../../domain/entities/read-counts.ts';
import { score } from '../../../domain/entities/score.ts';
import { searchIndex } from '../../../domain/entities/search-index.ts';
import { searchRecent } from '../../../domain/entities/search-recent.ts';
import { switches } from '../../../domain/entities/switches.ts';
import { trending } from '../../../domain/entities/trending.ts';
import { contentOf, NOW, partMetadataOf, profileOf, scoreAt } from '../../support/cache-values.ts';
import { describeOnRedisAndCluster } from '../../support/redis-targets.ts';

const LIST = ranking.key('followers', 'tiktok', 50);

/** A key of each kind that a script, a pipeline or a command of ours reads or writes. */
const keys: readonly (readonly [string, string])[] = [
  ['the fence of a profile', fenceKey(profile.key('zoe'))],
  ['the fence of a content detail', fenceKey(content.key('video'))],
  ['the fence of a ranking', fenceKey(LIST)],
  ['the fence of removals', REMOVAL_FENCE],
  ['the lease of a profile', leaseKey(profile.key('zoe'))],
  ['the lease of a ranking', leaseKey(LIST)],
  ['a profile', profile.key('zoe')],
  ['a score', score.key('zoe')],
  ['an engagement', engagement.key('zoe')],
  ['a content detail', content.key('video')],
  ['the content of a KOL', kolContent.key('zoe')],
  ['a profile list', profileList.key('tiktok')],
  ['a ranking', LIST],
  ['a trending list', trending.key('tiktok')],
  ['the heat of a trending list', trending.heatKey('tiktok')],
  ['the autocomplete set', autocomplete.key],
  ['a search index', searchIndex.key('tiktok')],
  ['the searches of a user', searchRecent.key('zoe')],
  ['the counts of reads', recentReads.key],
  ['the metadata of parts', cacheMetadata.key],
  ['the files of a table', cachedFiles.key('kol_profiles')],
  ['the hot ids', hotIds.key],
  ['the switches', switches.key],
];

/** Puts a value of each Redis type under a key. None expires. The number is a time that no clock has reached. */
const strays: readonly (readonly [string, (redis: RedisClient, key: string) => Promise<unknown>])[] = [
  ['a text', (redis, key) => redis.set(key, 'x')],
  ['a number', (redis, key) => redis.set(key, '9007199254740991')],
  ['a hash', (redis, key) => redis.hset(key, 'a', 'b')],
  ['a list', (redis, key) => redis.rpush(key, 'x')],
  ['a set', (redis, key) => redis.sadd(key, 'x')],
  ['a sorted set', (redis, key) => redis.zadd(key, 7, 'x')],
  ['a stream', (redis, key) => redis.xadd(key, '*', 'a', 'b')],
];

const event = { event_time_ms: 5, source: { topic: 't', partition: 0, offset: 1 } };
const clock = () => Promise.resolve(NOW.getTime() / 1000);
const setOf = (size: number) =>
  ranking.toEntry(
    'followers',
    'tiktok',
    50,
    Array.from({ length: size }, (_, index) => ({ kol_id: `kol-${index}`, score: 7 })),
  );

async function readTwice<Id, T>(redis: RedisClient, source: EntitySource<Id, T>, id: Id) {
  const failures: unknown[] = [];
  const { read } = createReadThrough(source, {
    redis,
    now: () => NOW,
    // A value that cannot be decoded is reported: the read replaces it.
    onProblem: (problem) => problem.step !== 'decode' && failures.push(problem),
  });
  const startedAt = performance.now();
  await read(id);
  expect(await read(id)).toMatchObject({ outcome: 'hit' });
  expect(failures).toEqual([]);
  // a stray lease delays no reader
  expect(performance.now() - startedAt).toBeLessThan(2000);
}

/** The operations of the system on its keys. Each must work for any value that another client has written to one of them. */
const jobs: readonly (readonly [string, (redis: RedisClient) => Promise<unknown>])[] = [
  ...[2, 1500].map(
    (size) =>
      [
        `a set of ${size} is replaced, then renewed`,
        async (redis: RedisClient) => {
          const readAt = await readRedisTime(redis);
          const entry = setOf(size);
          expect(await replaceSet(redis, entry, readAt)).toMatchObject({ keys: 1 });
          expect(await renewSets(redis, [{ ...entry, readAt }])).toBe(true);
          expect(await removeSet(redis, entry.key, readAt)).toBe(1);
        },
      ] as const,
  ),
  [
    'rows are written, then deleted',
    async (redis) => {
      const readAt = await readRedisTime(redis);
      await writeEntries(redis, [profile.toEntry('zoe', profileOf('zoe'), cachedAtOf(readAt))]);
      expect(await redis.hget(profile.key('zoe'), 'kol_id')).toBe('zoe');
      expect(await writeContentRows(redis, [contentOf('video', 5)], readAt)).toMatchObject({ written: 1 });
      const later = await readRedisTime(redis);
      expect(await deleteUnlessStreamed(redis, [profile.key('zoe'), content.key('video')], later)).toBe(2);
    },
  ],
  [
    'a missing row is read and cached',
    (redis) =>
      readTwice(
        redis,
        tableSource(profile, (ids) => Promise.resolve(ids.map((id) => profileOf(id)))),
        'zoe',
      ),
  ],
  [
    'a missing set is read and cached',
    (redis) => {
      const lakehouse = {
        ranking: () => Promise.resolve(new Map([['tiktok', [{ kol_id: 'zoe', score: 7 }]]])),
      } as unknown as Lakehouse;
      const id = { kind: 'followers', platform: 'tiktok', limit: 50 } as const;
      return readTwice(redis, rankingSource(lakehouse, {}), id);
    },
  ],
  [
    'a removal is known',
    async (redis) => {
      const moment = performance.now() - 1;
      expect(await removedSince(redis, profile.key('zoe'), moment)).toBe(false);
      await createCacheAdmin(redis).invalidate(['profile'], ['zoe']);
      expect(await removedSince(redis, profile.key('zoe'), moment)).toBe(true);
    },
  ],
  ['ids are invalidated', (redis) => createCacheAdmin(redis).invalidate(kindsById, ['zoe', 'video'])],
  ['kinds are invalidated', (redis) => createCacheAdmin(redis).invalidate(deletableKinds, undefined)],
  ['a KOL is erased', (redis) => createCacheAdmin(redis).eraseKol('zoe')],
  ['the state of the cache is read', (redis) => createCacheAdmin(redis).status()],
  [
    'events are written',
    async (redis) => {
      const merged = await mergeContentEvents(
        redis,
        [{ ...event, content_id: 'video' }],
        () => contentOf('video', 6),
        NOW,
      );
      expect(merged).toHaveLength(1);
      expect(await writeScores(redis, [scoreAt('zoe', 5)])).toBe(1);
      const value = { kol_id: 'zoe', content_id: 'video', engagement_rate: 1 };
      expect(await writeEngagement(redis, [{ ...event, engagement: value }])).toBe(1);
      await updateTrending(redis, [{ content_id: 'video', platform: 'tiktok', heat: 9, mayEnter: true }]);
    },
  ],
  [
    'reads are counted',
    async (redis) => {
      await readKnownReads(redis, NOW);
      await addReads(redis, new Map([['zoe', 2]]), clock);
      expect((await readKnownReads(redis, NOW)).recent).toEqual([{ id: 'zoe', reads: 2 }]);
    },
  ],
  [
    'searches are kept',
    async (redis) => {
      const { read, record } = createRecentSearches(redis);
      await read('zoe');
      await record('zoe', 'a name');
      expect((await read('zoe'))[0]).toBe('a name');
    },
  ],
  [
    'switches are changed',
    async (redis) => {
      const defaults = { l1: true, l1TtlSeconds: 5, earlyRefresh: true, readThrough: true };
      const switchboard = await followSwitches(redis, defaults, () => {});
      expect(switchboard.current()).toEqual(defaults);
      expect(await switchboard.change({ l1: false })).toEqual({ ...defaults, l1: false });
      switchboard.close();
    },
  ],
  [
    'the notes of the warms are read and written',
    async (redis) => {
      await Promise.all([
        readPartMetadata(redis, 'stats'),
        readHotIds(redis),
        readCachedFiles(redis, 'kol_profiles'),
      ]);
      await writePartMetadata(redis, 'stats', partMetadataOf(3));
      await writeHotIds(redis, ['zoe']);
      await writeCachedFiles(redis, 'kol_profiles', null);
      expect(await readPartMetadata(redis, 'stats')).toMatchObject({ rows: 3 });
      expect((await readHotIds(redis))('zoe')).toBe(true);
      expect(await readCachedFiles(redis, 'kol_profiles')).toBeNull();
    },
  ],
];

describeOnRedisAndCluster('with a stray value', (target) => {
  describe.each(strays)('that is %s', (_type, put) => {
    test.each(keys)('in the place of %s, every job is done', async (_key, key) => {
      const failures: string[] = [];
      for (const [job, run] of jobs) {
        await Promise.all(target.masters.map(({ redis }) => redis.flushall()));
        await put(target.redis, key);
        await run(target.redis).catch((error: unknown) => failures.push(`${job}: ${String(error)}`));
      }
      expect(failures).toEqual([]);
    });
  });

  test.each(strays)('%s, a set is not taken for the one that the last warm wrote', async (_, put) => {
    const { redis } = target;
    const readAt = await readRedisTime(redis);
    const entry = setOf(2);
    await replaceSet(redis, entry, readAt);
    await redis.del(entry.key);
    await put(redis, entry.key);
    const isOfTheType = (await redis.type(entry.key)) === entry.type;
    expect(await renewSets(redis, [{ ...entry, readAt }])).toBe(isOfTheType);
  });
});
