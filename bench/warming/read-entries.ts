import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { entrySize, type CacheEntry } from '../../domain/schema/entry.ts';
import { profile } from '../../domain/entities/profile.ts';
import { profileList } from '../../domain/entities/profile-list.ts';
import { ranking, rankingKinds } from '../../domain/entities/ranking.ts';
import { autocomplete } from '../../domain/entities/autocomplete.ts';
import { dailyStats } from '../../domain/entities/daily-stats.ts';
import { platformStats } from '../../domain/entities/platform-stats.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import { autocompleteTerms } from '../../domain/search/autocomplete-terms.ts';
import { HASH_BUCKETS } from '../../domain/warming/profile-splits.ts';

const ALL_PROFILES = { from: 0, to: HASH_BUCKETS, idsRepeat: false };

/** All entries of a full warm. Reading them also records the queries. */
export async function readEntries(lakehouse: Lakehouse): Promise<CacheEntry[]> {
  const now = new Date();
  const entries: CacheEntry[] = [];
  for await (const page of lakehouse.profileSplit(ALL_PROFILES))
    entries.push(...page.map((value) => profile.toEntry(value.kol_id, value, now.toISOString())));
  for (const kind of rankingKinds)
    for (const [platform, ranked] of await lakehouse.ranking(kind, 100))
      for (const limit of [100, 50]) entries.push(ranking.toEntry(kind, platform, limit, ranked));
  for (const [platform, items] of await lakehouse.trending(TRENDING_LIMIT, now)) {
    entries.push(trending.toHeatEntry(platform, items));
    entries.push(
      trending.toEntry(
        platform,
        items.map(({ content_id }) => content_id),
      ),
    );
  }
  entries.push(platformStats.toEntry(await lakehouse.platformStats(now)));
  for (const { day, counts } of await lakehouse.dailyStats(new Date(now.getTime() - 7 * 86_400_000), now))
    entries.push(dailyStats.toEntry(day, counts));
  const kols = [...(await lakehouse.searchNames(undefined)).values()].flat();
  entries.push(autocomplete.toEntry(autocompleteTerms(kols, 100_000)));
  for (const [platform, profiles] of await lakehouse.profileLists(1000))
    entries.push(profileList.toEntry(platform, profiles));
  return entries.filter((entry) => entrySize(entry) > 0);
}
