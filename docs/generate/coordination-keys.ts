import { leaseKey } from '../../cache/reading/leases.ts';
import { erasureFence, fenceKey, LAST_ERASURE_FENCE, REMOVAL_FENCE } from '../../cache/writing/read-fence.ts';
import { knownIds } from '../../domain/entities/known-ids.ts';
import { ranking } from '../../domain/entities/ranking.ts';
import { knownIdsFields } from './cache-fields.ts';
import { keyDoc, WARM, type CacheKeyDoc } from './cache-key-doc.ts';

/** Stands for any set. */
export const anySet = ranking.toEntry('followers', 'all', 100, [{ kol_id: 'zoe', score: 11_300 }]);

/** Keys by which readers and writers agree: what exists, what is newer, and who reads the lakehouse. */
export const coordinationKeys: readonly CacheKeyDoc[] = [
  {
    ...keyDoc(
      knownIds.name,
      knownIds.key('{name}'),
      knownIds.toEntry(
        'kol_profiles',
        'bloom-24-16 snapshot 4372618947213 since 2026-11-22T09:55:00.000Z',
        'AAgEgAAAQAAA…',
        37_486,
        new Date('2026-11-22T10:00:00Z'),
      ),
    ),
    content:
      'a Bloom filter of all ids of the table of this name, 3 bytes for each; `kol_content:kol_id` has the KOLs with content. While the table has this version, an id that the filter does not contain costs the API no query',
    writers: `${WARM('search')} (kol_profiles, kol_trust_features), ${WARM('trending')} (kol_content, kol_content:kol_id)`,
    fields: knownIdsFields,
  },
  {
    ...keyDoc(ranking.name, fenceKey('{key}'), anySet),
    content:
      'the start of the read that the present set comes from, or of the read that did not find the row of a deleted hash, or when an operator deleted the key: microseconds since 1970 by the clock of Redis. A write whose read began earlier is refused',
    typeAndTtl: ['STRING', 'of the set; 1 h at least'],
    writers: 'warms; the API after a miss of a set',
  },
  {
    ...keyDoc(ranking.name, REMOVAL_FENCE, anySet),
    content:
      'when an operator last deleted whole kinds from the cache or erased a KOL: microseconds since 1970 by the clock of Redis. No set, and nothing after a miss, is written whose read began earlier, and an API process does not serve it as stale',
    typeAndTtl: ['STRING', '24 h'],
    writers: 'the API',
  },
  {
    ...keyDoc(ranking.name, erasureFence('…'), anySet),
    content: `when an operator last erased the KOL, as above. What an event from before says of the KOL is not written. \`${LAST_ERASURE_FENCE}\` says when any KOL was erased`,
    typeAndTtl: ['STRING', '7 d'],
    writers: 'the API',
  },
  {
    ...keyDoc(ranking.name, leaseKey('{key}'), anySet),
    content:
      'a process of the API reads the lakehouse for this key: its token; or `nothing` when the lakehouse does not have it. A key without braces becomes the hash tag, as above',
    typeAndTtl: ['STRING', '3 s, renewed each second; `nothing` 2 s'],
    writers: 'the API during a miss',
  },
];
