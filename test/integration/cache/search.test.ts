import { beforeEach, describe, expect, test } from 'vitest';
import { createCacheAdmin } from '../../../cache/admin/cache-admin.ts';
import { createSearch, SearchUnavailableError } from '../../../cache/reading/search.ts';
import { createRecentSearches } from '../../../cache/writing/recent-searches.ts';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { searchIndex } from '../../../domain/entities/search-index.ts';
import { searchRecent } from '../../../domain/entities/search-recent.ts';
import { buildSearchIndex, MAX_LISTED, type NamedKol } from '../../../domain/search/build-index.ts';
import { searchText } from '../../../domain/search/search-text.ts';
import { ALL } from '../../../domain/values/text-ids.ts';
import { describeOnRedisAndCluster } from '../../support/redis-targets.ts';

const kol = (kol_id: string, followers_count: number, ...names: string[]): NamedKol => ({
  kol_id,
  names,
  followers_count,
});
const manyKols = Array.from({ length: 2000 }, (_, index) => kol(`m-${index}`, 5000 - index, `Mai ${index}`));
const platforms: Readonly<Record<string, NamedKol[]>> = {
  tiktok: [kol('duc', 900, 'Nguyễn Văn Đức', 'duc.official'), kol('anh', 30, 'Anh Thư')],
  twitter: [...manyKols, kol('van', 70, 'van_gogh'), kol('nobody', 1, 'Nguyen')],
};

describeOnRedisAndCluster('search', (target) => {
  const search = (query: string, platform = ALL) => createSearch(target.redis)(searchText(query), platform);
  const idsFor = async (query: string, platform?: string) =>
    (await search(query, platform)).value?.map(({ kol_id }) => kol_id);
  beforeEach(async () => {
    for (const [platform, kols] of Object.entries(platforms))
      await replaceSet(target.redis, searchIndex.toEntry(platform, buildSearchIndex(kols, 10_000)), 1);
    await replaceSet(target.redis, searchIndex.toEntry(ALL, Object.keys(platforms)), 1);
  });

  test.each([
    ['nguyen', ['duc', 'nobody']],
    ['NGUYỄN v', ['duc']],
    ['đức', ['duc']],
    ['van', ['duc', 'van']],
    ['gogh', ['van']],
    ['official', ['duc']],
    ['ogh', []],
    ['nguyen van duc and a longer text than members begin with', []],
  ])('for %s finds words of names, most followers first', async (query, expected) => {
    expect(await idsFor(query)).toEqual(expected);
  });

  test('names the platform and the name that matches, as the KOL writes it', async () => {
    const { value, ttlSeconds, outcome } = await search('duc', 'tiktok');
    expect(value).toEqual([
      {
        kol_id: 'duc',
        platform: 'tiktok',
        name: expect.stringMatching(/Đức|duc/) as string,
        followers_count: 900,
      },
    ]);
    expect([outcome, ttlSeconds]).toEqual(['hit', searchIndex.ttlSeconds]);
  });

  test('finds the KOLs of other platforms after the only KOL of a platform was erased', async () => {
    await replaceSet(
      target.redis,
      searchIndex.toEntry('youtube', buildSearchIndex([kol('alone', 1, 'Nguyen')], 100)),
      1,
    );
    await replaceSet(target.redis, searchIndex.toEntry(ALL, [...Object.keys(platforms), 'youtube']), 2);
    expect(await idsFor('nguyen')).toEqual(['duc', 'alone', 'nobody']);
    await createCacheAdmin(target.redis).eraseKol('alone');
    expect(await idsFor('nguyen')).toEqual(['duc', 'nobody']);
    expect(await search('nguyen', 'youtube')).toMatchObject({ value: null });
  });

  test('of one platform finds its KOLs only; another platform has none', async () => {
    expect(await idsFor('van', 'twitter')).toEqual(['van']);
    expect((await search('van', 'youtube')).value).toBeNull();
  });

  test('for a text that very many names begin with finds the most followed', async () => {
    expect(await idsFor('m')).toEqual(manyKols.slice(0, MAX_LISTED).map(({ kol_id }) => kol_id));
    expect(await idsFor('mai 1999')).toEqual(['m-1999']);
  });

  test('is unavailable, not empty, while a part of the index is missing', async () => {
    await target.redis.del(searchIndex.key('tiktok'));
    await expect(search('van')).rejects.toThrow(SearchUnavailableError);
    expect(await idsFor('van', 'twitter')).toEqual(['van']);
    await target.redis.del(searchIndex.key(ALL));
    await expect(search('van', 'twitter')).rejects.toThrow(SearchUnavailableError);
  });

  describe('the searches of a user', () => {
    test('are kept newest first, each once, the latest 20', async () => {
      const { record, read } = createRecentSearches(target.redis);
      for (let index = 0; index < 25; index += 1) await record('u', `search ${index}`);
      await record('u', 'search 20');
      const kept = [
        20,
        ...Array.from({ length: 20 }, (_, index) => 24 - index).filter((index) => index !== 20),
      ];
      expect(await read('u')).toEqual(kept.map((index) => `search ${index}`));
      expect(await target.redis.ttl(searchRecent.key('u'))).toBe(searchRecent.ttlSeconds);
      expect(await read('another')).toEqual([]);
    });
  });
});
