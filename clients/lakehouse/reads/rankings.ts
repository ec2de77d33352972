import { profile, type Profile } from '../../../domain/entities/profile.ts';
import type { RankingEntry, RankingKind } from '../../../domain/entities/ranking.ts';
import type { TrendingItem } from '../../../domain/entities/trending.ts';
import { groupByScope, type ByPlatform } from '../group-by-scope.ts';
import { profileListsSql, rankingSql, trendingSql } from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverCatalog } from '../silver-catalog.ts';
import type { Trino } from '../trino.ts';

/** Ordered lists of at most `limit` items, for each platform and for `all`, or for one scope only. */
export interface RankingReads {
  /** Profiles, most followers first. */
  profileLists(limit: number, scope?: string, options?: ReadOptions): Promise<ByPlatform<Profile[]>>;
  /** KOLs, highest score first. */
  ranking(
    kind: RankingKind,
    limit: number,
    scope?: string,
    options?: ReadOptions,
  ): Promise<ByPlatform<RankingEntry[]>>;
  /** Content of the 24 h before `now`, hottest first. A platform without any has the content of its newest day. */
  trending(
    limit: number,
    now: Date,
    scope?: string,
    options?: ReadOptions,
  ): Promise<ByPlatform<TrendingItem[]>>;
}

export function createRankingReads(trino: Trino, silver: SilverCatalog): RankingReads {
  return {
    async profileLists(limit, scope, options = {}) {
      const sql = profileListsSql(await silver.source(options.versions, ['kol_profiles']), limit, scope);
      const columns = ['scope', ...Object.keys(profile.columns)];
      const rows = await trino.rows(sql, { columns, signal: options.signal });
      return groupByScope(rows, (row) => profile.fromRow(row.slice(1)), options);
    },

    async ranking(kind, limit, scope, options = {}) {
      const table = kind === 'followers' ? 'kol_profiles' : 'kol_content';
      const sql = rankingSql(await silver.source(options.versions, [table]), kind, limit, scope);
      const columns = ['scope', 'kol_id', 'score'];
      const rows = await trino.rows(sql, { columns, signal: options.signal });
      return groupByScope(
        rows,
        ([, kolId, score]) => ({ kol_id: kolId ?? '', score: Number(score) }),
        options,
      );
    },

    async trending(limit, now, scope, options = {}) {
      const sql = trendingSql(await silver.source(options.versions, ['kol_content']), limit, now, scope);
      const columns = ['scope', 'content_id', 'heat'];
      const rows = await trino.rows(sql, { columns, signal: options.signal });
      return groupByScope(
        rows,
        ([, contentId, heat]) => ({ content_id: contentId ?? '', heat: Number(heat) }),
        options,
      );
    },
  };
}
