import type { CacheEntry } from '../schema/entry.ts';

/** search:autocomplete: usernames and display names with a letter or a digit, in lower case, all with score 0, for ZRANGEBYLEX. */
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
