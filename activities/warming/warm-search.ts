import { autocomplete } from '../../domain/entities/autocomplete.ts';
import { filteredIds } from '../../domain/entities/known-ids.ts';
import { searchIndex } from '../../domain/entities/search-index.ts';
import { autocompleteTerms } from '../../domain/search/autocomplete-terms.ts';
import { buildSearchIndex, byFollowers, type NamedKol } from '../../domain/search/build-index.ts';
import { SEARCH_TEXT_FORMAT } from '../../domain/search/search-text.ts';
import { BLOOM_FORMAT } from '../../domain/values/bloom-filter.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { keepFeatureIds } from './keep-feature-ids.ts';
import { knownIdsSet } from './known-ids-set.ts';
import type { WarmPartArgs } from './part-warm.ts';
import { warmSets, type SetPart, type SetToWrite, type WarmSetDeps } from './warm-set.ts';

/** The KOLs that can be searched: those with the most followers. */
const MAX_KOLS = 100_000;
/** Terms to complete; together they take about 10 MB of Redis. */
const MAX_TERMS = 100_000;
/** Index terms of one platform. Each takes about 150 B of Redis. */
const MAX_INDEX_TERMS = 300_000;

/** Warms search:autocomplete, search:index, and the known-ids filters of kol_profiles and kol_trust_features. */
export function createWarmSearch(deps: WarmSetDeps) {
  const { lakehouse } = deps;
  const search: SetPart = {
    part: 'search',
    shape: [MAX_TERMS, MAX_KOLS, MAX_INDEX_TERMS, SEARCH_TEXT_FORMAT, BLOOM_FORMAT].join(),
    maxAgeMs: Infinity,
    memberColumns: ['kol_profiles.platform', 'kol_profiles.username', 'kol_profiles.display_name'],
    beside: (warm) => keepFeatureIds(warm, deps),
    async read(warm, { at, tableRows }) {
      const limit = (tableRows['kol_profiles'] ?? Infinity) > MAX_KOLS ? MAX_KOLS : undefined;
      const [kols, knownIds] = await Promise.all([
        lakehouse.searchNames(limit, warm.readingAt(at)),
        knownIdsSet(warm, lakehouse, filteredIds.profiles, at, tableRows['kol_profiles'] ?? 0),
      ]);
      const ranked = [...kols.values()].flat().sort(byFollowers);
      warm.counts.rowsRead += ranked.length;
      const terms = autocompleteTerms(ranked, MAX_TERMS);
      return [{ entry: autocomplete.toEntry(terms), size: terms.length }, ...indexSets(kols), ...knownIds];
    },
  };

  return function warmSearch(args: WarmPartArgs): Promise<PartReport> {
    return warmSets(deps, search, args);
  };
}

/**
 * The index of each platform, then the list of all indexes. In this order a search that finds the list also finds the indexes. A warm of
 * some platforms therefore writes all of them.
 */
function indexSets(kols: ReadonlyMap<string, readonly NamedKol[]>): SetToWrite[] {
  const indexes = [...kols].flatMap(([platform, named]) => {
    const members = buildSearchIndex(named, MAX_INDEX_TERMS);
    return members.length === 0 ? [] : [{ platform, members }];
  });
  const sets = indexes.map(({ platform, members }) => ({
    entry: searchIndex.toEntry(platform, members),
    size: members.length,
  }));
  const platforms = indexes.map(({ platform }) => platform);
  return platforms.length === 0
    ? []
    : [...sets, { entry: searchIndex.toEntry(ALL, platforms), size: platforms.length }];
}
