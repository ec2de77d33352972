import { describe, expect, test } from 'vitest';
import { createCacheAdmin } from '../../../cache/admin/cache-admin.ts';
import { rankingSource, tableSource } from '../../../cache/reading/entity-sources.ts';
import { createReadThrough, type EntitySource } from '../../../cache/reading/read-through.ts';
import { fenceKey, REMOVAL_FENCE } from '../../../cache/writing/read-fence.ts';
import { removeSet, replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { readRedisTime, type RedisClient } from '../../../clients/redis.ts';
import { autocomplete } from '../../../domain/entities/autocomplete.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { ranking } from '../../../domain/entities/ranking.ts';
import type { CacheEntry } from '../../../domain/schema/entry.ts';
import { NOW, profileEntries, profileOf } from '../../support/cache-values.ts';
import { allKeys } from '../../support/redis.ts';
import { describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { withPipeline } from '../../support/with-pipeline.ts';

/** Sets that name KOL zoe. The large one is staged first. */
const rankingOf = (limit: number, size: number) =>
  ranking.toEntry(
    'followers',
    'tiktok',
    limit,
    ['zoe', ...Array.from({ length: size }, (_, index) => `kol-${index}`)].map((kol_id) => ({
      kol_id,
      score: 7,
    })),
  );
const sets: readonly (readonly [string, CacheEntry])[] = [
  ['the autocomplete set', autocomplete.toEntry(['zoe', 'another'])],
  ['a ranking', rankingOf(50, 2)],
  ['a large ranking', rankingOf(2000, 1500)],
];

describeOnRedisAndCluster('after a removal', (target) => {
  const admin = () => createCacheAdmin(target.redis);

  /** A client that removes values just after it has read the removal fence, so that the writer does not see the removal. */
  function removingAfterLook(remove: () => Promise<unknown>): RedisClient {
    let hasRemoved = false;
    return withPipeline(target.redis, (pipeline) => {
      const [exec, evalsha] = [pipeline.exec.bind(pipeline), pipeline.evalsha.bind(pipeline)];
      let looks = false;
      return Object.assign(pipeline, {
        evalsha(...args: Parameters<typeof evalsha>) {
          looks ||= args.includes(REMOVAL_FENCE);
          return evalsha(...args);
        },
        async exec() {
          const replies = await exec();
          if (looks && !hasRemoved) {
            hasRemoved = true;
            await remove();
          }
          return replies;
        },
      });
    });
  }

  test('no write of a read that began before is accepted for a day: a warm at a limited rate lasts long', async () => {
    const { redis } = target;
    await admin().eraseKol('zoe');
    for (const fence of [fenceKey(profile.key('zoe')), REMOVAL_FENCE])
      expect(await redis.ttl(fence)).toBeGreaterThan(86_000);
  });

  describe.each(sets)('%s that was read before', (_, entry) => {
    test('is refused, and is written again by a later read', async () => {
      const { redis } = target;
      const readAt = await readRedisTime(redis);
      await admin().eraseKol('zoe');
      expect(await replaceSet(redis, entry, readAt)).toEqual({ refused: 'removed' });
      expect(await allKeys(redis)).toEqual([]);
      const later = await readRedisTime(redis);
      expect(await replaceSet(redis, entry, later)).toMatchObject({ keys: 1 });
    });

    test('does not stay if the KOL is erased during the write', async () => {
      const { redis } = target;
      const readAt = await readRedisTime(redis);
      const removing = removingAfterLook(() => admin().eraseKol('zoe'));
      expect(await replaceSet(removing, entry, readAt)).toEqual({ refused: 'removed' });
      expect(await allKeys(redis)).toEqual([]);
      // An even older one is refused too.
      expect(await removeSet(redis, entry.key, readAt)).toBe(0);
      expect(await replaceSet(redis, entry, readAt)).toEqual({ refused: 'removed' });
    });

    test('is refused when an operator has deleted its kind', async () => {
      const { redis } = target;
      const readAt = await readRedisTime(redis);
      await admin().invalidate(['ranking', 'autocomplete'], undefined);
      expect(await replaceSet(redis, entry, readAt)).toEqual({ refused: 'removed' });
    });
  });

  describe('a value that a reader has read before', () => {
    const reading = <Id, T>(source: EntitySource<Id, T>, redis = target.redis) =>
      createReadThrough(source, {
        redis,
        now: () => NOW,
        onProblem: (problem) => expect(problem).toBeUndefined(),
      });
    const profilesFrom = (load: (ids: readonly string[]) => Promise<readonly Profile[]>) =>
      tableSource(profile, load);
    const versions = (whileReading: () => Promise<unknown>) => {
      let reads = 0;
      return profilesFrom(async (ids) => {
        reads += 1;
        const version = reads;
        if (version === 1) await whileReading();
        return ids.map((id) => profileOf(id, version));
      });
    };

    test.each([
      ['its id', () => admin().invalidate(['profile'], ['zoe'])],
      ['its kind', () => admin().invalidate(['profile'], undefined)],
      ['the person', () => admin().eraseKol('zoe')],
    ])('is read again when an operator deletes %s during the read', async (_, remove) => {
      const { read } = reading(versions(remove));
      // This reader may have come after the removal, so the row is read again.
      expect(await read('zoe')).toMatchObject({ outcome: 'miss', value: { followers_count: 2 } });
      expect(await read('zoe')).toMatchObject({ outcome: 'hit', value: { followers_count: 2 } });
    });

    test.each([
      ['its kind', () => admin().invalidate(['profile'], undefined)],
      ['the person', () => admin().eraseKol('zoe')],
    ])('is read again when an operator deletes %s while it is written', async (_, remove) => {
      const { read } = reading(
        versions(() => Promise.resolve()),
        removingAfterLook(remove),
      );
      expect(await read('zoe')).toMatchObject({ outcome: 'miss', value: { followers_count: 2 } });
      expect(await read('zoe')).toMatchObject({ outcome: 'hit', value: { followers_count: 2 } });
    });

    test('is cached when an operator deletes another id during the read', async () => {
      const { read } = reading(versions(() => admin().invalidate(['profile'], ['ana'])));
      expect(await read('zoe')).toMatchObject({ outcome: 'miss', ttlSeconds: profile.ttlSeconds });
      expect(await read('zoe')).toMatchObject({ outcome: 'hit' });
    });

    test('is not cached when it is a set whose kind an operator deletes during the read', async () => {
      const lakehouse = {
        async ranking() {
          await admin().invalidate(['ranking'], undefined);
          return new Map([['tiktok', [{ kol_id: 'zoe', score: 7 }]]]);
        },
      } as unknown as Lakehouse;
      const { read } = reading(rankingSource(lakehouse, {}));
      const id = { kind: 'followers', platform: 'tiktok', limit: 50 } as const;
      expect(await read(id)).toMatchObject({ outcome: 'miss', value: [{ kol_id: 'zoe' }] });
      expect(await allKeys(target.redis)).toEqual([]);
    });

    test('of a running warm is not written when an operator deletes its id', async () => {
      const { redis } = target;
      const readAt = new Date(Math.floor((await readRedisTime(redis)) / 1000) - 1);
      await admin().invalidate(['profile'], ['zoe']);
      await writeEntries(redis, profileEntries(['zoe'], 1, readAt));
      expect(await redis.exists(profile.key('zoe'))).toBe(0);
    });

    test.each([
      ['the id', ['zoe']],
      ['the kind', undefined],
    ])('"not found" is forgotten by each process when an operator deletes %s', async (_, ids) => {
      let rows: readonly Profile[] = [];
      let queries = 0;
      const load = () => {
        queries += 1;
        return Promise.resolve(rows);
      };
      const [one, other] = [reading(profilesFrom(load)), reading(profilesFrom(load))];
      expect(await one.read('zoe')).toMatchObject({ outcome: 'miss', value: null });
      expect(await one.read('zoe')).toMatchObject({ outcome: 'negative' });
      expect(await other.read('zoe')).toMatchObject({ value: null });
      const asked = queries;
      rows = [profileOf('zoe', 9)];
      await admin().invalidate(['profile'], ids);
      expect(await one.read('zoe')).toMatchObject({ outcome: 'miss', value: { followers_count: 9 } });
      expect(await other.read('zoe')).toMatchObject({ outcome: 'hit', value: { followers_count: 9 } });
      expect(queries).toBe(asked + 1);
    });
  });
});
