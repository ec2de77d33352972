import { profile, type Profile } from '../../../domain/entities/profile.ts';
import type { ProfileSplit } from '../../../domain/warming/profile-splits.ts';
import { byFollowers, type NamedKol } from '../../../domain/search/build-index.ts';
import { count, id, parseFields, type OnInvalid } from '../../../domain/schema/field.ts';
import { areKnown } from '../../../domain/warming/table-version.ts';
import { mapRows, type Row } from '../../../domain/schema/table-entity.ts';
import { groupByScope, type ByPlatform } from '../group-by-scope.ts';
import {
  mostFollowedSql,
  profilesOfFilesSql,
  profileSplitSql,
  searchNameColumns,
  searchNamesSql,
  type MostFollowed,
} from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverReader } from '../silver-catalog.ts';
import type { SilverSource } from '../silver-source.ts';

/** Reads of many profiles, page by page. */
export interface ProfileReads {
  /** The most followed profiles: first those of each platform, then overall, by descending followers. */
  mostFollowed(choice: MostFollowed, options?: ReadOptions): AsyncGenerator<Profile[]>;
  /** The profiles of a split, one row of each id, in no order. @param platforms default: all */
  profileSplit(
    split: ProfileSplit,
    platforms?: readonly string[],
    options?: ReadOptions,
  ): AsyncGenerator<Profile[]>;
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
/** For splits. Of a table whose version is unknown, each split would have to ask whether ids repeat: they are taken to. */
const splitOf = ({ versions = {} }: ReadOptions) => (areKnown(versions) ? COUNTED : TABLE);

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
    profileSplit: (split, platforms, options = {}) =>
      profilePages(
        { ...splitOf(options), sql: (source) => profileSplitSql(source, split, platforms) },
        options,
      ),
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
