import { profile, type Profile } from '../../../domain/entities/profile.ts';
import type { ProfileSplit } from '../../../domain/warming/profile-splits.ts';
import type { NamedKol } from '../../../domain/search/build-index.ts';
import { count, id, parsePlatformName } from '../../../domain/schema/field.ts';
import { mapRows, type Row } from '../../../domain/schema/table-entity.ts';
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

type KolOnPlatform = NamedKol & { readonly platform: string };

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
  /** The names of the most followed KOLs, in any order. @param limit default: all */
  searchNames(limit: number | undefined, options?: ReadOptions): Promise<KolOnPlatform[]>;
}

const toNamedKol = ([kolId, platform, displayName, username, followers]: Row): KolOnPlatform => ({
  kol_id: id.parse(kolId),
  platform: parsePlatformName(platform),
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
    async searchNames(limit, options = {}) {
      const sql = (source: SilverSource) => searchNamesSql(source, limit);
      const rows = await silver.rows({ ...COUNTED, sql, columns: searchNameColumns }, options);
      return mapRows(rows, toNamedKol, options.onRejected);
    },
  };
}
