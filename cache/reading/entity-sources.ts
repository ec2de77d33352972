import type { Lakehouse, ReadOptions } from '../../clients/lakehouse/lakehouse.ts';
import type { Fields, ValueOf } from '../../domain/schema/field.ts';
import { ranking, type Ranked, type RankingKind } from '../../domain/entities/ranking.ts';
import { platformStats, type PlatformStats } from '../../domain/entities/stats.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import { createBatchLoader } from './batch-loader.ts';
import { fillItem, fillSet } from './fill-entry.ts';
import type { EntitySource } from './read-through.ts';
import { hashCodec, listCodec, zsetCodec } from './redis-codec.ts';

/** Which ranking: what by, of which platform (or all), and the limit it is kept for. */
export interface RankingId {
  readonly kind: RankingKind;
  readonly platform: string;
  readonly limit: number;
}

/** One row of one Silver table, by its id. */
export function tableSource<F extends Fields>(
  entity: TableEntity<F>,
  loadMany: (ids: readonly string[]) => Promise<readonly ValueOf<F>[]>,
): EntitySource<string, ValueOf<F>> {
  const { name, ttlSeconds, key, toEntry, fromHash, idColumn } = entity;
  return {
    name,
    ttlSeconds,
    key,
    toEntry,
    codec: hashCodec(fromHash),
    load: createBatchLoader(loadMany, (value) => String(value[idColumn])),
    fill: fillItem,
  };
}

export const rankingSource = (
  lakehouse: Lakehouse,
  options: ReadOptions,
): EntitySource<RankingId, readonly Ranked[]> => ({
  name: ranking.name,
  ttlSeconds: ranking.ttlSeconds,
  key: ({ kind, platform, limit }) => ranking.key(kind, platform, limit),
  codec: zsetCodec((members) => members.map(([kol_id, score]) => ({ kol_id, score }))),
  load: async ({ kind, platform, limit }) =>
    unlessEmpty((await lakehouse.ranking(kind, limit, platform, options)).get(platform)),
  toEntry: ({ kind, platform, limit }, ranked) => ranking.toEntry(kind, platform, limit, ranked),
  fill: fillSet,
});

/** Trending content ids of a platform (or all). */
export const trendingSource = (
  lakehouse: Lakehouse,
  now: () => Date,
  options: ReadOptions,
): EntitySource<string, readonly string[]> => ({
  name: trending.name,
  ttlSeconds: trending.ttlSeconds,
  key: (platform) => trending.key(platform),
  codec: listCodec((items) => items),
  load: async (platform) =>
    unlessEmpty(
      (await lakehouse.trending(TRENDING_LIMIT, now(), platform, options))
        .get(platform)
        ?.map(({ content_id }) => content_id),
    ),
  toEntry: (platform, contentIds) => trending.toEntry(platform, contentIds),
  fill: fillSet,
});

export const statsSource = (
  lakehouse: Lakehouse,
  now: () => Date,
  options: ReadOptions,
): EntitySource<void, PlatformStats> => ({
  name: platformStats.name,
  ttlSeconds: platformStats.ttlSeconds,
  key: () => platformStats.key,
  codec: hashCodec(platformStats.fromHash),
  load: () => lakehouse.platformStats(now(), options),
  toEntry: (_, value) => platformStats.toEntry(value),
  fill: fillSet,
});

const unlessEmpty = <T>(values: readonly T[] | undefined): readonly T[] | null =>
  values === undefined || values.length === 0 ? null : values;
