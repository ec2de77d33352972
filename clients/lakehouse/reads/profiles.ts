import { profile, type Profile } from '../../../domain/entities/profile.ts';
import type { ProfileSplit } from '../../../domain/warming/profile-splits.ts';
import type { NamedKol } from '../../../domain/search/build-index.ts';
import { count, id } from '../../../domain/schema/field.ts';
import { mapRows, type Row } from '../../../domain/schema/table-entity.ts';
import { groupByScope, type ByPlatform } from '../group-by-scope.ts';
import {
  mostFollowedSql,
  profileSplitSql,
  searchNameColumns,
  searchNamesSql,
  searchTermsSql,
  type MostFollowed,
} from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverCatalog } from '../silver-catalog.ts';
import type { Trino } from '../trino.ts';

/** Reads of many profiles, page by page. */
export interface ProfileReads {
  /** The most followed profiles: first those of each platform, then overall, by descending followers. */
  mostFollowed(choice: MostFollowed, options?: ReadOptions): AsyncGenerator<Profile[]>;
  /** The profiles of a split, in no order. @param platforms default: all */
  profileSplit(
    split: ProfileSplit,
    platforms?: readonly string[],
    options?: ReadOptions,
  ): AsyncGenerator<Profile[]>;
  /** Distinct lower-case user names and display names, those of the most followed profiles first. */
  searchTerms(limit: number, options?: ReadOptions): AsyncGenerator<string[]>;
  /** The names of the most followed KOLs by platform, most followers first. @param limit over all platforms */
  searchNames(limit: number, options?: ReadOptions): Promise<ByPlatform<NamedKol[]>>;
}

const toNamedKol = ([, kolId, displayName, username, followers]: Row): NamedKol => ({
  kol_id: id.parse(kolId),
  names: [displayName, username].filter((name) => name != null),
  followers_count: count.parse(followers),
});

export function createProfileReads(trino: Trino, silver: SilverCatalog): ProfileReads {
  async function* profilePages(sql: string, options: ReadOptions): AsyncGenerator<Profile[]> {
    const columns = Object.keys(profile.columns);
    const { signal, timeoutSeconds } = options;
    for await (const page of trino.pages(sql, { columns, signal, timeoutSeconds }))
      yield mapRows(page, profile.fromRow, options.onRejected);
  }

  return {
    async *mostFollowed(choice, options = {}) {
      yield* profilePages(
        mostFollowedSql(await silver.source(options.versions, ['kol_profiles']), choice),
        options,
      );
    },
    async *profileSplit(split, platforms, options = {}) {
      yield* profilePages(profileSplitSql(await silver.source(options.versions), split, platforms), options);
    },
    async *searchTerms(limit, { signal, versions } = {}) {
      const sql = searchTermsSql(await silver.source(versions, ['kol_profiles']), limit);
      for await (const page of trino.pages(sql, { columns: ['term'], signal }))
        yield page.map(([term]) => term ?? '').filter((term) => term !== '');
    },
    async searchNames(limit, options = {}) {
      const sql = searchNamesSql(await silver.source(options.versions, ['kol_profiles']), limit);
      const columns = ['scope', ...searchNameColumns];
      const rows = await trino.rows(sql, { columns, signal: options.signal });
      return groupByScope(rows, toNamedKol, options);
    },
  };
}
