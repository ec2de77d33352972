import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { byFollowers, type NamedKol } from '../../../domain/search/build-index.ts';
import { count, id, parseFields, type OnInvalid } from '../../../domain/schema/field.ts';
import { mapRows, type Row } from '../../../domain/schema/table-entity.ts';
import { groupByScope, type ByPlatform } from '../group-by-scope.ts';
import {
  mostFollowedSql,
  profilesOfFilesSql,
  profileSplitSql,
  searchNameColumns,
  searchNamesSql,
  type MostFollowed,
  type SplitToRead,
} from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverReader } from '../silver-catalog.ts';
import type { SilverSource } from '../silver-source.ts';

/** Reads of many profiles, page by page. */
export interface ProfileReads {
  /** The most followed profiles: first those of each platform, then overall, by descending followers. */
  mostFollowed(choice: MostFollowed, options?: ReadOptions): AsyncGenerator<Profile[]>;
  /** The profiles of a split, one row of each id, in no order. */
  profileSplit(split: SplitToRead, options?: ReadOptions): AsyncGenerator<Profile[]>;
  /** The profiles in these data files, in no order. @param paths at least one */
  profilesOfFiles(paths: readonly string[], options?: ReadOptions): AsyncGenerator<Profile[]>;
  /** The names of the most followed KOLs by platform, most followers first. @param limit over all platforms; default: all KOLs */
  searchNames(limit: number | undefined, options?: ReadOptions): Promise<ByPlatform<NamedKol[]>>;
}

const toNamedKol = (
  [, kol_id, displayName, username, followers_count]: Row,
  onInvalid: OnInvalid = () => {},
): NamedKol => ({
  ...parseFields({ kol_id: id, followers_count: count }, { kol_id, followers_count }, onInvalid),
  names: [displayName, username].filter((name) => name != null),
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
      yield mapRows(page, profile.fromRow, options.onRejected, options.onInvalid);
  }

  return {
    mostFollowed: (choice, options = {}) =>
      profilePages({ ...COUNTED, sql: (source) => mostFollowedSql(source, choice) }, options),
    profileSplit: (split, options = {}) =>
      profilePages({ ...TABLE, sql: (source) => profileSplitSql(source, split) }, options),
    profilesOfFiles: (paths, options = {}) =>
      profilePages({ ...TABLE, sql: (source) => profilesOfFilesSql(source, paths) }, options),
    async searchNames(limit, options = {}) {
      const sql = (source: SilverSource) => searchNamesSql(source, limit);
      const rows = await silver.rows({ ...COUNTED, sql, columns: ['scope', ...searchNameColumns] }, options);
      const kols = groupByScope(rows, toNamedKol, options);
      for (const ofPlatform of kols.values()) ofPlatform.sort(byFollowers);
      return kols;
    },
  };
}
