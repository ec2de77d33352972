import type { CacheEntry } from '../schema/entry.ts';

/**
 * search:index:{platform}: names of the platform's KOLs by each of their words, all with score 0, for ZRANGEBYLEX.
 * search:index:all has the names of the platforms that have an index.
 */
export const searchIndex = {
  name: 'search-index',
  ttlSeconds: 1800,
  key: (platform: string) => `search:index:${platform}`,
  /** @param members of `buildSearchIndex`, or platforms */
  toEntry: (platform: string, members: readonly string[]): CacheEntry => ({
    key: searchIndex.key(platform),
    ttlSeconds: searchIndex.ttlSeconds,
    type: 'zset',
    members: members.map((member) => [member, 0] as const),
  }),
};
