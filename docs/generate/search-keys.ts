import { autocomplete } from '../../domain/entities/autocomplete.ts';
import { searchIndex } from '../../domain/entities/search-index.ts';
import { searchRecent } from '../../domain/entities/search-recent.ts';
import { buildSearchIndex } from '../../domain/search/build-index.ts';
import { keyDoc, WARM, type CacheKeyDoc } from './cache-key-doc.ts';

/** The keys of search. */
export const searchKeys: readonly CacheKeyDoc[] = [
  {
    ...keyDoc(autocomplete.name, autocomplete.key, autocomplete.toEntry(['zoe', 'zoë'])),
    content:
      'lower-cased usernames and display names with a letter or a digit, all with score 0, for ZRANGEBYLEX; 100,000 terms at most, those of the most followed KOLs',
    writers: WARM('search'),
  },
  {
    ...keyDoc(
      searchIndex.name,
      searchIndex.key('{platform}'),
      searchIndex.toEntry(
        'tiktok',
        // The separator of the parts is not printable.
        buildSearchIndex([{ kol_id: 'zoe', names: ['Zoë Lê'], followers_count: 11_300 }], 100).map((member) =>
          member.replaceAll('\0', ' | '),
        ),
      ),
    ),
    content:
      'names of KOLs by each of their words, all with score 0, for ZRANGEBYLEX: search text, followers, `kol_id` and name, separated by zero bytes. `search:index:all` has the names of the platforms that have an index',
    writers: WARM('search'),
  },
  {
    ...keyDoc(searchRecent.name, searchRecent.key('{user_id}'), {
      key: searchRecent.key('u-42'),
      ttlSeconds: searchRecent.ttlSeconds,
      type: 'list',
      items: ['zoë', 'beauty hanoi'],
    }),
    content: `the latest searches of a user as typed, newest first, each once; ${searchRecent.maxItems} at most`,
    writers: 'a search over the API with `user_id`',
  },
];
