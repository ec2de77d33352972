import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { ReadOptions } from '../../clients/lakehouse/read-options.ts';
import type { Fields, ValueOf } from '../../domain/schema/field.ts';
import { ranking, type RankingEntry, type RankingKind } from '../../domain/entities/ranking.ts';
import { platformStats, type PlatformStats } from '../../domain/entities/platform-stats.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import { createBatchLoader } from './batch-loader.ts';
import { fillItem, fillSet } from './fill-entry.ts';
import type { EntitySource } from './read-through.ts';
import { hashCodec, listCodec, zsetCodec } from './redis-codec.ts';

/** One ranking: its measure, its platform (or all), and its length limit, which is part of the cache key. */
export interface RankingId {
  readonly kind: RankingKind;
  readonly platform: string;
  readonly limit: number;
}

/** One row of a Silver table, by its id. Concurrent misses share a query. */
export function tableSource<F extends Fields>(
  entity: TableEntity<F>,
  loadMany: (ids: readonly string[], signal: AbortSignal) => Promise<readonly ValueOf<F>[]>,
): EntitySource<string, ValueOf<F>> {
  const { name, ttlSeconds, key, toEntry, idOf } = entity;
  return {
    name,
    ttlSeconds,
    key,
    toEntry,
    codec: hashCodec(entity),
    load: createBatchLoader(loadMany, idOf),
    fill: fillItem,
  };
}

/** The best KOLs of a platform (or all) by one measure; null when the lakehouse has no rows. */
export const rankingSource = (
  lakehouse: Lakehouse,
  options: ReadOptions,
): EntitySource<RankingId, readonly RankingEntry[]> => ({
  name: ranking.name,
  ttlSeconds: ranking.ttlSeconds,
  key: ({ kind, platform, limit }) => ranking.key(kind, platform, limit),
  codec: zsetCodec((members) => members.map(([kol_id, score]) => ({ kol_id, score }))),
  load: async ({ kind, platform, limit }, signal) =>
    unlessEmpty((await lakehouse.ranking(kind, limit, platform, { ...options, signal })).get(platform)),
  toEntry: ({ kind, platform, limit }, ranked) => ranking.toEntry(kind, platform, limit, ranked),
  fill: fillSet,
});

/** Trending content ids of a platform (or all), hottest first; null when the lakehouse has no rows. */
export const trendingSource = (
  lakehouse: Lakehouse,
  now: () => Date,
  options: ReadOptions,
): EntitySource<string, readonly string[]> => ({
  name: trending.name,
  ttlSeconds: trending.ttlSeconds,
  key: (platform) => trending.key(platform),
  codec: listCodec((items) => items),
  load: async (platform, signal) => {
    const trends = await lakehouse.trending(TRENDING_LIMIT, now(), platform, { ...options, signal });
    return unlessEmpty(trends.get(platform)?.map(({ content_id }) => content_id));
  },
  toEntry: (platform, contentIds) => trending.toEntry(platform, contentIds),
  fill: fillSet,
});

/** Totals over all platforms, and for each platform. */
export const statsSource = (
  lakehouse: Lakehouse,
  now: () => Date,
  options: ReadOptions,
): EntitySource<void, PlatformStats> => ({
  name: platformStats.name,
  ttlSeconds: platformStats.ttlSeconds,
  key: () => platformStats.key,
  codec: hashCodec(platformStats),
  load: (_, signal) => lakehouse.platformStats(now(), { ...options, signal }),
  toEntry: (_, value) => platformStats.toEntry(value),
  fill: fillSet,
});

const unlessEmpty = <T>(values: readonly T[] | undefined): readonly T[] | null =>
  values === undefined || values.length === 0 ? null : values;
