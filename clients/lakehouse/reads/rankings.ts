import { profile, type Profile } from '../../../domain/entities/profile.ts';
import type { RankingEntry, RankingKind } from '../../../domain/entities/ranking.ts';
import type { TrendingItem } from '../../../domain/entities/trending.ts';
import { groupByScope, type ByPlatform } from '../group-by-scope.ts';
import { profileListsSql, rankingSql, trendingSql } from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverReader } from '../silver-catalog.ts';

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

export function createRankingReads(silver: SilverReader): RankingReads {
  return {
    async profileLists(limit, scope, options = {}) {
      const rows = await silver.rows(
        {
          tables: ['kol_profiles'],
          counted: ['kol_profiles'],
          columns: ['scope', ...Object.keys(profile.columns)],
          sql: (source) => profileListsSql(source, limit, scope),
        },
        options,
      );
      return groupByScope(rows, (row, onInvalid) => profile.fromRow(row.slice(1), onInvalid), options);
    },

    async ranking(kind, limit, scope, options = {}) {
      const table = kind === 'followers' ? 'kol_profiles' : 'kol_content';
      const rows = await silver.rows(
        {
          tables: [table],
          counted: [table],
          columns: ['scope', 'kol_id', 'score'],
          sql: (source) => rankingSql(source, kind, limit, scope),
        },
        options,
      );
      return groupByScope(
        rows,
        ([, kolId, score]) => ({ kol_id: kolId ?? '', score: Number(score) }),
        options,
      );
    },

    async trending(limit, now, scope, options = {}) {
      const rows = await silver.rows(
        {
          tables: ['kol_content'],
          counted: ['kol_content'],
          columns: ['scope', 'content_id', 'heat'],
          sql: (source) => trendingSql(source, limit, now, scope),
        },
        options,
      );
      return groupByScope(
        rows,
        ([, contentId, heat]) => ({ content_id: contentId ?? '', heat: Number(heat) }),
        options,
      );
    },
  };
}
