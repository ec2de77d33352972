import { profile, type Profile } from '../../../domain/entities/profile.ts';
import type { ProfileSplit } from '../../../domain/warming/profile-splits.ts';
import type { NamedKol } from '../../../domain/search/build-index.ts';
import { count, id } from '../../../domain/schema/field.ts';
import { mapRows, type Row } from '../../../domain/schema/table-entity.ts';
import { groupByScope, type ByPlatform } from '../group-by-scope.ts';
import {
  mostFollowedSql,
  profilesOfFilesSql,
  profileSplitSql,
  searchNameColumns,
  searchNamesSql,
  searchTermsSql,
  type MostFollowed,
} from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverReader } from '../silver-catalog.ts';
import type { SilverSource } from '../silver-source.ts';

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
  /** The profiles in these data files, in no order. @param paths at least one */
  profilesOfFiles(paths: readonly string[], options?: ReadOptions): AsyncGenerator<Profile[]>;
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

const TABLE = { tables: ['kol_profiles'] } as const;
/** For reads that rank or list profiles. */
const COUNTED = { ...TABLE, counted: ['kol_profiles'] } as const;

export function createProfileReads(silver: SilverReader): ProfileReads {
  async function* profilePages(
    query: { sql: (source: SilverSource) => string } & (typeof TABLE | typeof COUNTED),
    options: ReadOptions,
  ): AsyncGenerator<Profile[]> {
    const columns = Object.keys(profile.columns);
    for await (const page of silver.pages({ ...query, columns }, options))
      yield mapRows(page, profile.fromRow, options.onRejected);
  }

  return {
    mostFollowed: (choice, options = {}) =>
      profilePages({ ...COUNTED, sql: (source) => mostFollowedSql(source, choice) }, options),
    profileSplit: (split, platforms, options = {}) =>
      profilePages({ ...TABLE, sql: (source) => profileSplitSql(source, split, platforms) }, options),
    profilesOfFiles: (paths, options = {}) =>
      profilePages({ ...TABLE, sql: (source) => profilesOfFilesSql(source, paths) }, options),
    async *searchTerms(limit, options = {}) {
      const sql = (source: SilverSource) => searchTermsSql(source, limit);
      for await (const page of silver.pages({ ...COUNTED, sql, columns: ['term'] }, options))
        yield page.map(([term]) => term ?? '').filter((term) => term !== '');
    },
    async searchNames(limit, options = {}) {
      const sql = (source: SilverSource) => searchNamesSql(source, limit);
      const rows = await silver.rows({ ...COUNTED, sql, columns: ['scope', ...searchNameColumns] }, options);
      return groupByScope(rows, toNamedKol, options);
    },
  };
}
