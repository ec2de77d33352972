import type { CacheEntry } from '../schema/entry.ts';

/** Heat, by which content trends, is views + 10 × likes (docs/contract.md). */
export const LIKE_WEIGHT = 10;
/** Items in the list of a platform. */
export const TRENDING_LIMIT = 50;

/** The heat of an item; unknown counts are 0. */
export const heatOf = (views: number | null, likes: number | null): number =>
  (views ?? 0) + LIKE_WEIGHT * (likes ?? 0);

export interface TrendingItem {
  readonly content_id: string;
  readonly heat: number;
}

/** content:trending:{platform}:{limit}: content ids of the last 24 h, highest heat first. */
export const trending = {
  name: 'trending',
  ttlSeconds: 900,
  key: (platform: string, limit: number = TRENDING_LIMIT) => `content:trending:${platform}:${limit}`,
  toEntry: (platform: string, contentIds: readonly string[], limit: number = TRENDING_LIMIT): CacheEntry => ({
    key: trending.key(platform, limit),
    ttlSeconds: trending.ttlSeconds,
    type: 'list',
    items: contentIds.slice(0, limit),
  }),
  /** Internal: a sorted set with the heat of the listed items, so that video events can move them between warms. */
  heatKey: (platform: string, limit: number = TRENDING_LIMIT) => `{${trending.key(platform, limit)}}:heat`,
  toHeatEntry: (
    platform: string,
    items: readonly TrendingItem[],
    limit: number = TRENDING_LIMIT,
  ): CacheEntry => ({
    key: trending.heatKey(platform, limit),
    ttlSeconds: trending.ttlSeconds,
    type: 'zset',
    members: items.slice(0, limit).map(({ content_id, heat }) => [content_id, heat] as const),
  }),
};
