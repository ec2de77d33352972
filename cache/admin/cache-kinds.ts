import { autocomplete } from '../../domain/entities/autocomplete.ts';
import { content } from '../../domain/entities/content.ts';
import { dailyStats } from '../../domain/entities/daily-stats.ts';
import { engagement } from '../../domain/entities/engagement.ts';
import { knownIds } from '../../domain/entities/known-ids.ts';
import { kolContent } from '../../domain/entities/kol-content.ts';
import { cacheMetadata } from '../../domain/entities/part-metadata.ts';
import { platformStats } from '../../domain/entities/platform-stats.ts';
import { profileList } from '../../domain/entities/profile-list.ts';
import { profile } from '../../domain/entities/profile.ts';
import { ranking, rankingKinds } from '../../domain/entities/ranking.ts';
import { recentReads } from '../../domain/entities/read-counts.ts';
import { score } from '../../domain/entities/score.ts';
import { searchIndex } from '../../domain/entities/search-index.ts';
import { searchRecent } from '../../domain/entities/search-recent.ts';
import { switches } from '../../domain/entities/switches.ts';
import { trending } from '../../domain/entities/trending.ts';
import { isFence } from '../writing/read-fence.ts';

/** The key prefixes of a kind. A key without variable parts is its own prefix. */
const starts = (...prefixes: readonly string[]) => ({ prefixes });

/** Kinds with one key for each id. */
const byId = {
  profile: { ...starts(profile.key('')), key: profile.key },
  score: { ...starts(score.key('')), key: score.key },
  content: { ...starts(content.key('')), key: content.key },
  kol_content: { ...starts(kolContent.key('')), key: kolContent.key },
} as const;

/** Kinds with a key for a platform, a day, or for everything. */
const sets = {
  profile_list: starts(profileList.key('')),
  ranking: starts(...rankingKinds.map((kind) => ranking.key(kind, '', 0).replace(/:0$/, ''))),
  trending: starts(trending.key('').replace(/:\d+$/, ''), trending.heatKey('').replace(/:\d+\}:heat$/, '')),
  platform_stats: starts(platformStats.key),
  daily_stats: starts(dailyStats.key('')),
  autocomplete: starts(autocomplete.key),
  search_index: starts(searchIndex.key('')),
  known_ids: starts(knownIds.key('')),
} as const;

/** Kinds that cannot be rebuilt from the lakehouse. */
const records = {
  engagement: starts(engagement.key('')),
  search_recent: starts(searchRecent.key('')),
  // Must precede profile_reads, whose key is a prefix of these keys.
  profile_reads_by_hour: starts(`${recentReads.key}:`),
  profile_reads: starts(recentReads.key),
  cache_metadata: starts(cacheMetadata.key),
  switches: starts(switches.key),
} as const;

type KindById = keyof typeof byId;
export const kindsById = Object.keys(byId) as KindById[];

/** Kinds that may be deleted, because a read or a warm rebuilds them. */
export type DeletableKind = KindById | keyof typeof sets;
export const deletableKinds = [...kindsById, ...Object.keys(sets)] as [DeletableKind, ...DeletableKind[]];

const all: readonly (readonly [kind: string, { readonly prefixes: readonly string[] }])[] = Object.entries({
  ...byId,
  ...sets,
  ...records,
});

/** The kind of a key; `other` for keys without a kind, such as staged sets and fences. */
export function kindOfKey(key: string): string {
  if (isFence(key)) return 'other';
  return all.find(([, { prefixes }]) => prefixes.some((prefix) => key.startsWith(prefix)))?.[0] ?? 'other';
}

/** The keys of an id. Kinds without ids have none. */
export const keysOfId = (kind: DeletableKind, id: string): string[] =>
  kind in byId ? [byId[kind as KindById].key(id)] : [];
