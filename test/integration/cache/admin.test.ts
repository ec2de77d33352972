import { beforeEach, describe, expect, test } from 'vitest';
import { createCacheAdmin } from '../../../cache/admin/cache-admin.ts';
import { deletableKinds } from '../../../cache/admin/cache-kinds.ts';
import { createReadCounter } from '../../../cache/popularity/read-counter.ts';
import { fillItem, fillSet } from '../../../cache/reading/fill-entry.ts';
import { fenceKey } from '../../../cache/writing/read-fence.ts';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { readRedisTime } from '../../../clients/redis.ts';
import { autocomplete } from '../../../domain/entities/autocomplete.ts';
import { content } from '../../../domain/entities/content.ts';
import { engagement } from '../../../domain/entities/engagement.ts';
import { kolContent } from '../../../domain/entities/kol-content.ts';
import { profileList } from '../../../domain/entities/profile-list.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { ranking } from '../../../domain/entities/ranking.ts';
import { hourlyReads, recentReads } from '../../../domain/entities/read-counts.ts';
import { score } from '../../../domain/entities/score.ts';
import { searchIndex } from '../../../domain/entities/search-index.ts';
import { trending } from '../../../domain/entities/trending.ts';
import { buildSearchIndex } from '../../../domain/search/build-index.ts';
import { parseMember } from '../../../domain/search/index-member.ts';
import { ALL } from '../../../domain/values/text-ids.ts';
import { contentOf, idsOf, NOW, profileEntries, profileOf, scoreAt } from '../../support/cache-values.ts';
import { allKeys } from '../../support/redis.ts';
import { describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { until } from '../../support/until.ts';

/** Has characters that glob patterns use. */
const ID = 'zoe*[a-z]?\\';
const OTHER = 'zoe*[a-z]?\\2';

describeOnRedisAndCluster('the administration of the cache', (target) => {
  const admin = () => createCacheAdmin(target.redis);

  describe('status', () => {
    test('counts keys, and their TTLs, by kind', async () => {
      await writeEntries(target.redis, profileEntries(idsOf(1500)));
      await writeEntries(target.redis, [score.toEntry(scoreAt('a', null))]);
      await target.redis.persist(score.key('a'));
      await target.redis.set('another', '1', 'EX', 100);
      const { byKind, memory, counters } = await admin().status();
      expect([...byKind.keys()].sort()).toEqual(['other', 'profile', 'score']);
      expect(byKind.get('profile')).toMatchObject({ keys: 1500, withTtl: 1500 });
      expect((byKind.get('profile')?.ttlSeconds ?? 0) / 1500).toBeGreaterThan(3500);
      expect(byKind.get('score')).toEqual({ keys: 1, withTtl: 0, ttlSeconds: 0 });
      expect(memory.usedBytes).toBeGreaterThan(100_000);
      expect(counters.evictedKeys).toBe(0);
    });

    test('counts the keys that Redis has evicted, on all masters together', async () => {
      await writeEntries(target.redis, profileEntries(idsOf(100)));
      const limit = async (bytes: string, policy: string) => {
        for (const { redis } of target.masters) {
          await redis.config('SET', 'maxmemory-policy', policy);
          await redis.config('SET', 'maxmemory', bytes);
        }
      };
      const before = (await admin().status()).counters.evictedKeys;
      try {
        await limit('1', 'allkeys-lru');
        await until('all keys are evicted', async () => (await allKeys(target.redis)).length === 0);
      } finally {
        await limit('0', 'noeviction');
      }
      expect((await admin().status()).counters.evictedKeys - before).toBe(100);
    });

    test('counts the reads that Redis answered', async () => {
      const before = await admin().status();
      await target.redis.set('known', '1', 'EX', 100);
      await target.redis.get('known');
      await target.redis.get('unknown');
      const { counters } = await admin().status();
      expect(counters.hits - before.counters.hits).toBeGreaterThanOrEqual(1);
      expect(counters.misses - before.counters.misses).toBeGreaterThanOrEqual(1);
    });
  });

  describe('invalidate', () => {
    test('deletes the keys of the ids, of the kinds that are named', async () => {
      await writeEntries(target.redis, [
        ...profileEntries(idsOf(3)),
        ...idsOf(3).map((id) => score.toEntry(scoreAt(id, null))),
      ]);
      const deleted = await admin().invalidate(['profile', 'kol_content'], ['kol-1', 'kol-2', 'nobody']);
      expect(deleted).toEqual({ profile: 2, kol_content: 0 });
      expect(await allKeys(target.redis)).toEqual([
        'kol:profile:kol-0',
        'kol:score:kol-0',
        'kol:score:kol-1',
        'kol:score:kol-2',
      ]);
    });

    test('without ids deletes all keys of the kinds, with what belongs to them', async () => {
      await writeEntries(target.redis, [
        ...profileEntries(idsOf(2500)),
        score.toEntry(scoreAt('a', null)),
        trending.toEntry('tiktok', ['1']),
        trending.toHeatEntry('tiktok', [{ content_id: '1', heat: 5 }]),
      ]);
      expect(await admin().invalidate(['profile', 'trending'], undefined)).toEqual({
        profile: 2500,
        trending: 2,
      });
      expect(await allKeys(target.redis)).toEqual([score.key('a')]);
    });

    test('of all kinds keeps fences, which refuse older writes, and does not count them', async () => {
      await replaceSet(target.redis, trending.toEntry('tiktok', ['1']), 1);
      const fence = fenceKey(trending.key('tiktok'));
      expect(await target.redis.exists(fence)).toBe(1);
      expect((await admin().status()).byKind.get('trending')?.keys).toBe(1);
      expect(await admin().invalidate(['trending'], undefined)).toEqual({ trending: 1 });
      expect(await target.redis.exists(fence)).toBe(1);
    });

    test('of all kinds keeps the data that cannot be rebuilt from the lakehouse', async () => {
      const kept = engagement.toEntry({ kol_id: 'a', content_id: '1', engagement_rate: null });
      await writeEntries(target.redis, [...profileEntries(['a']), kept]);
      await admin().invalidate(deletableKinds, undefined);
      expect(await allKeys(target.redis)).toEqual([kept.key]);
    });
  });

  describe('the erasure of a KOL', () => {
    const named = (id: string, username: string) => ({ ...profileOf(id), username, display_name: 'Zoë Lê' });
    const listed = [named(OTHER, 'zoe2'), named(ID, 'zoe1')];
    beforeEach(async () => {
      const indexed = listed.map(({ kol_id, username, display_name }) => ({
        kol_id,
        names: [display_name, username],
        followers_count: 7,
      }));
      await writeEntries(target.redis, [
        ...listed.flatMap((each) => [
          profile.toEntry(each.kol_id, each, NOW.toISOString()),
          score.toEntry(scoreAt(each.kol_id, null)),
          engagement.toEntry({ kol_id: each.kol_id, content_id: '1', engagement_rate: null }),
          kolContent.toEntry(each.kol_id, [
            { ...contentOf(`listed-${each.username}`, 5), kol_id: each.kol_id },
          ]),
          ...[`detail-${each.username}`, `listed-${each.username}`].map((id) =>
            content.toEntry(id, { ...contentOf(id, 5), kol_id: each.kol_id }, NOW.toISOString()),
          ),
        ]),
        trending.toHeatEntry(ALL, [{ content_id: 'detail-zoe1', heat: 5 }]),
        ...[ALL, 'tiktok'].flatMap((platform) => [
          profileList.toEntry(platform, listed),
          ranking.toEntry(
            'followers',
            platform,
            100,
            listed.map(({ kol_id }) => ({ kol_id, score: 7 })),
          ),
        ]),
        profileList.toEntry('twitter', [named(ID, 'zoe1')]),
        autocomplete.toEntry(['zoe1', 'zoe2', 'zoë lê', 'another']),
        searchIndex.toEntry(ALL, ['tiktok']),
      ]);
      await replaceSet(target.redis, searchIndex.toEntry('tiktok', buildSearchIndex(indexed, 100)), 1);
      const trends = trending.toEntry(ALL, ['detail-zoe1', 'detail-zoe2', 'listed-zoe1']);
      await replaceSet(target.redis, trends, 1);
      await target.redis.zadd(recentReads.key, 5, ID, 6, OTHER);
      await target.redis.expire(recentReads.key, 100);
      await target.redis.zadd(hourlyReads.key(23), 5, ID, 6, OTHER);
      await target.redis.expire(hourlyReads.key(23), 100);
    });

    test('removes the KOL everywhere, and no other KOL', async () => {
      expect(await admin().eraseKol(ID)).toEqual({
        profile: 1,
        score: 1,
        engagement: 1,
        kol_content: 1,
        content: 2,
        trending: 3,
        profile_list: 3,
        ranking: 2,
        search_index: 3,
        autocomplete: 2,
        profile_reads: 2,
      });
      const keys = await allKeys(target.redis);
      expect(keys.filter((key) => key.endsWith(ID))).toEqual([]);
      expect(keys).not.toContain(profileList.key('twitter'));
      expect(keys.filter((key) => /zoe1/.test(key))).toEqual([]);
      expect(await target.redis.lrange(trending.key(ALL), 0, -1)).toEqual(['detail-zoe2']);
      expect(await target.redis.exists(trending.heatKey(ALL))).toBe(0);
      for (const key of [profile.key(OTHER), score.key(OTHER), engagement.key(OTHER), kolContent.key(OTHER)])
        expect(keys).toContain(key);
      expect(JSON.parse((await target.redis.get(profileList.key('tiktok'))) ?? '')).toEqual([listed[0]]);
      expect(await target.redis.ttl(profileList.key('tiktok'))).toBeGreaterThan(890);
      expect(await target.redis.zrange(ranking.key('followers', ALL, 100), 0, '-1')).toEqual([OTHER]);
      expect(await target.redis.zrange(autocomplete.key, 0, '-1')).toEqual(['another', 'zoe2']);
      expect(await target.redis.zcard(searchIndex.key('tiktok'))).toBe(3);
      for (const key of [recentReads.key, hourlyReads.key(23)])
        expect(await target.redis.zrange(key, 0, '-1')).toEqual([OTHER]);
    });

    test('removes each name of the KOL from the autocomplete set, also one that the search index lacks', async () => {
      const names = ['Anna Smith', 'anna_smith', 'smith'];
      const kol = { kol_id: 'only-indexed', names, followers_count: 7 };
      await replaceSet(target.redis, searchIndex.toEntry('youtube', buildSearchIndex([kol], 100)), 1);
      const terms = ['anna smith', 'anna_smith', 'smith', 'anna', 'another'];
      await writeEntries(target.redis, [autocomplete.toEntry(terms)]);
      expect(await admin().eraseKol('only-indexed')).toMatchObject({ search_index: 2, autocomplete: 3 });
      expect(await target.redis.zrange(autocomplete.key, 0, '-1')).toEqual(['anna', 'another']);
    });

    test('of the id 1000 keeps KOLs with 1000 followers in the search index', async () => {
      const kols = ['1000', 'another'].map((kol_id) => ({ kol_id, names: [kol_id], followers_count: 1000 }));
      await replaceSet(target.redis, searchIndex.toEntry('youtube', buildSearchIndex(kols, 100)), 1);
      expect(await admin().eraseKol('1000')).toMatchObject({ search_index: 1 });
      const left = await target.redis.zrange(searchIndex.key('youtube'), 0, '-1');
      expect(left.map((member) => parseMember(member)?.kol_id)).toEqual(['another']);
    });

    test('deletes the keys of the KOL first: they are gone even if the scan for other keys fails', async () => {
      const acl = (rule: string) =>
        Promise.all(target.masters.map(({ redis }) => redis.acl('SETUSER', 'default', rule)));
      await acl('-scan');
      try {
        await expect(admin().eraseKol(ID)).rejects.toThrow(/scan/i);
      } finally {
        await acl('+scan');
      }
      expect((await allKeys(target.redis)).filter((key) => key.endsWith(ID))).toEqual([]);
    });

    test('removes the KOL also from the read counts that a process has not written yet', async () => {
      const counter = createReadCounter(target.redis, () => {}, { flushMs: 3_600_000 });
      for (const id of [ID, 'another']) counter.count(id);
      await admin().eraseKol(ID);
      await counter.close();
      const counted = await target.redis.zrange(recentReads.key, 0, '-1');
      expect([counted.includes(ID), counted.includes('another')]).toEqual([false, true]);
    });

    test('removes the KOL also from read counts that a process is writing', async () => {
      const eraseThenTell = async () => {
        await admin().eraseKol(ID);
        return Math.floor(NOW.getTime() / 1000);
      };
      const counter = createReadCounter(target.redis, () => {}, { clock: eraseThenTell });
      for (const id of [ID, 'another']) counter.count(id);
      await counter.close();
      for (const key of [recentReads.key, hourlyReads.key(NOW.getUTCHours())]) {
        const counted = await target.redis.zrange(key, 0, '-1');
        expect([key, counted.includes(ID), counted.includes('another')]).toEqual([key, false, true]);
      }
    });

    test('deletes a list that cannot be read, because it may name the KOL', async () => {
      await target.redis.set(profileList.key('youtube'), `[{"kol_id":"${ID}`, 'EX', 100);
      expect(await admin().eraseKol(ID)).toMatchObject({ profile_list: 4 });
      expect(await target.redis.exists(profileList.key('youtube'))).toBe(0);
    });

    test.each([true, false])('refuses fills whose read began before it (cached: %s)', async (wasCached) => {
      const { redis } = target;
      if (!wasCached) await redis.del(profile.key(ID));
      const readAt = await readRedisTime(redis);
      await admin().eraseKol(ID);
      const late = profile.toEntry(ID, named(ID, 'zoe1'), NOW.toISOString());
      expect(await fillItem(redis, late, { state: 'absent' }, readAt)).toBe(false);
      const lateRanking = ranking.toEntry('followers', ALL, 100, [{ kol_id: ID, score: 7 }]);
      expect(await fillSet(redis, lateRanking, { state: 'absent' }, readAt)).toBe(false);
      // The lakehouse names the KOL again.
      expect(await fillItem(redis, late, { state: 'absent' }, await readRedisTime(redis))).toBe(true);
    });

    test('refuses a row of a warm whose read began before', async () => {
      const { redis } = target;
      const readAt = new Date(Math.floor((await readRedisTime(redis)) / 1000) - 1);
      await admin().eraseKol(ID);
      await writeEntries(redis, [profile.toEntry(ID, named(ID, 'zoe1'), readAt.toISOString())]);
      expect(await redis.exists(profile.key(ID))).toBe(0);
    });

    test('of a KOL that is not cached changes nothing', async () => {
      const before = await allKeys(target.redis);
      expect(Object.values(await admin().eraseKol('nobody')).every((count) => count === 0)).toBe(true);
      expect(await allKeys(target.redis)).toEqual(before);
    });
  });
});
