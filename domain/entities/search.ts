import type { CacheEntry } from '../schema/entry.ts';

/** search:autocomplete: lower-cased usernames and display names, all with score 0, read with ZRANGEBYLEX. */
export const autocomplete = {
  name: 'autocomplete',
  ttlSeconds: 1800,
  key: 'search:autocomplete',
  toEntry: (terms: readonly string[]): CacheEntry => ({
    key: autocomplete.key,
    ttlSeconds: autocomplete.ttlSeconds,
    type: 'zset',
    members: terms.map((term) => [term, 0] as const),
  }),
};

/** search:recent:{user_id}: that user's latest searches, newest first. */
export const recentSearches = {
  name: 'recent-searches',
  ttlSeconds: 7 * 86_400,
  limit: 20,
  key: (userId: string) => `search:recent:${userId}`,
};
