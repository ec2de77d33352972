import { HASH_BUCKETS, type ProfileSplit } from '../../domain/warming/profile-splits.ts';
import { silver, type SilverTable } from '../../domain/schema/silver-tables.ts';
import { content } from '../../domain/entities/content.ts';
import { profile } from '../../domain/entities/profile.ts';
import type { RankingKind } from '../../domain/entities/ranking.ts';
import { LIKE_WEIGHT } from '../../domain/entities/trending.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import { trustFeatureColumns } from '../../domain/scoring/trust-model.ts';
import type { CountedTable, SilverSource } from './silver-source.ts';
import { identifier, integer, literal, literals } from './sql.ts';

/** The time of an ISO 8601 text, in UTC, because days are UTC days; null for other text. */
const instant = (text: string) =>
  `at_timezone(coalesce(try(from_iso8601_timestamp(${text})), try(CAST(${text} AS timestamp(3) with time zone))), 'UTC')`;
const timestamp = (date: Date) => `from_iso8601_timestamp(${literal(date.toISOString())})`;

/** Repeats each row for its platform and for `all`, or gives each row the one requested scope. */
const scopes = (platform: string, scope?: string) =>
  scope === undefined
    ? `CROSS JOIN UNNEST(ARRAY[${platform}, ${literal(ALL)}]) AS scopes(scope)`
    : `CROSS JOIN UNNEST(ARRAY[${literal(scope)}]) AS scopes(scope)`;
const isInScope = (platform: string, scope?: string) =>
  scope === undefined || scope === ALL ? 'true' : `${platform} = ${literal(scope)}`;

const idColumnOf: Readonly<Record<CountedTable, string>> = {
  kol_profiles: profile.idColumn,
  kol_content: content.idColumn,
};

/** The number of rows that are not the only row of their id. */
export const repeatedIdsSql = (source: SilverSource, table: CountedTable) =>
  `SELECT CAST(count(*) - count(DISTINCT ${source.column(table, idColumnOf[table])}) AS VARCHAR) AS repeats
   FROM ${source.table(table)}`;

/** A table with one row of each id: the one with the newest `processed_at`. An upsert can leave several. */
const newestRows = (source: SilverSource, table: CountedTable): string =>
  source.repeatsIds(table)
    ? newestRowsOf(source, table, source.text(table, idColumnOf[table]), source.table(table))
    : source.table(table);

/** The newest row of each id. @param from the table, perhaps with a condition */
function newestRowsOf(source: SilverSource, table: SilverTable, id: string, from: string): string {
  const processedAt = source.text(table, 'processed_at');
  return `(SELECT * FROM (
             SELECT *, row_number() OVER (PARTITION BY ${id}
                                          ORDER BY ${instant(processedAt)} DESC NULLS LAST, ${processedAt} DESC) AS row_of_id
             FROM ${from})
           WHERE row_of_id = 1)`;
}

/** A count as a number that is exact above 2^63, which sums of counts can exceed. */
const exact = (column: string) => `CAST(${column} AS decimal(38, 0))`;
const sumOf = (column: string) => `coalesce(sum(${exact(column)}), 0)`;
/** A DOUBLE expression; null where it is NaN or infinite. */
const finite = (value: string) => `if(is_finite(${value}), ${value})`;

export function existingIdsSql(
  source: SilverSource,
  { table, idColumn }: { readonly table: SilverTable; readonly idColumn: string },
  ids: readonly string[],
): string {
  const id = source.text(table, idColumn);
  return `SELECT ${id} AS id FROM ${source.table(table)} WHERE ${id} IN ${literals(ids)}`;
}

/** A split, and how to read it. */
export interface SplitToRead extends ProfileSplit {
  /** Whether ids of the table may have several rows. */
  readonly idsRepeat: boolean;
  /** All platforms by default. */
  readonly platforms?: readonly string[] | undefined;
}

/** The profiles of a split. Unsorted unless ids repeat, so that Trino streams them. */
export function profileSplitSql(
  source: SilverSource,
  { from, to, idsRepeat, platforms }: SplitToRead,
): string {
  const id = source.text('kol_profiles', 'kol_id');
  const bucket = `bitwise_and(from_big_endian_64(xxhash64(to_utf8(coalesce(${id}, '')))), ${integer(HASH_BUCKETS - 1)})`;
  const table = source.table('kol_profiles');
  const ofSplit =
    from === 0 && to === HASH_BUCKETS
      ? table
      : `(SELECT * FROM ${table} WHERE ${bucket} BETWEEN ${integer(from)} AND ${integer(to - 1)})`;
  const rows = idsRepeat ? newestRowsOf(source, 'kol_profiles', id, ofSplit) : ofSplit;
  return `SELECT ${source.select(profile)} FROM ${rows}
          ${platforms === undefined ? '' : `WHERE ${source.text('kol_profiles', 'platform')} IN ${literals(platforms)}`}`;
}

/** Iceberg answers this from its metadata. */
export const countRowsSql = (source: SilverSource, table: SilverTable) =>
  `SELECT CAST(count(*) AS VARCHAR) AS count FROM ${source.table(table)}`;

export const countIdsSql = (source: SilverSource, table: SilverTable, idColumn: string) =>
  `SELECT CAST(count(DISTINCT ${source.column(table, idColumn)}) AS VARCHAR) AS count FROM ${source.table(table)}`;

/** Reads one column of all rows. */
export const countKnownSql = (source: SilverSource, table: SilverTable, column: string) =>
  `SELECT CAST(count(${source.column(table, column)}) AS VARCHAR) AS known FROM ${source.table(table)}`;

/** The files of a Hive table. Trino answers this from the metadata of the files. */
export const filesSql = (source: SilverSource, table: SilverTable) =>
  `SELECT "$path" AS path, CAST("$file_size" AS VARCHAR) AS bytes,
          CAST(CAST(to_unixtime("$file_modified_time") * 1000 AS BIGINT) AS VARCHAR) AS modified_ms
   FROM ${source.table(table)} GROUP BY "$path", "$file_size", "$file_modified_time"`;

/**
 * The files of the current snapshot of an Iceberg table, with the schema that reads them: a column that was dropped and added again
 * has its old name and none of its old values. Delete files come first.
 */
export const snapshotFilesSql = (source: SilverSource, table: SilverTable, limit: number) =>
  `SELECT CAST(content AS VARCHAR) AS content, file_path AS path, CAST(file_size_in_bytes AS VARCHAR) AS bytes,
          CAST((SELECT max_by(latest_schema_id, timestamp) FROM ${source.metadata(table, 'metadata_log_entries')}) AS VARCHAR) AS schema_id
   FROM ${source.metadata(table, 'files')} ORDER BY content DESC LIMIT ${integer(limit)}`;

/** The profiles in these data files. */
export const profilesOfFilesSql = (source: SilverSource, paths: readonly string[]) =>
  `SELECT ${source.select(profile)} FROM ${source.table('kol_profiles')} WHERE "$path" IN ${literals(paths)}`;

/** The id of each row, including duplicates. */
export const idsSql = (
  source: SilverSource,
  { table, idColumn }: { readonly table: SilverTable; readonly idColumn: string },
) => `SELECT ${source.text(table, idColumn)} AS id FROM ${source.table(table)}`;

/** No rows, but all columns that the system reads. */
export const columnsSql = (source: SilverSource, table: SilverTable) =>
  `SELECT ${Object.keys(silver[table])
    .map((name) => `${source.column(table, name)} AS ${identifier(name)}`)
    .join(', ')} FROM ${source.table(table)} LIMIT 0`;

/** The snapshot that queries read, and since when. The snapshot comes from the branch, because a rollback may not be in the history. */
export const snapshotSql = (source: SilverSource, table: SilverTable) =>
  `SELECT CAST(snapshot_id AS VARCHAR) AS snapshot_id,
          (SELECT to_iso8601(max(made_current_at)) FROM ${source.metadata(table, 'history')}) AS since
   FROM ${source.metadata(table, 'refs')} WHERE name = 'main' AND type = 'BRANCH'`;

/** Sorts rows without an id to the end: they are rejected, and must not displace others. */
const withoutIdLast = (source: SilverSource, table: CountedTable) =>
  `coalesce(${source.text(table, idColumnOf[table])}, '') = ''`;

/** Orders ties by descending id, like ZREVRANGE. */
const byFollowers = (source: SilverSource) =>
  `ORDER BY ${withoutIdLast(source, 'kol_profiles')}, ${source.column('kol_profiles', 'followers_count')} DESC NULLS LAST, ${source.column('kol_profiles', 'kol_id')} DESC`;

/** Which profiles to read: the most followed ones overall, and those of each platform. */
export interface MostFollowed {
  readonly overall: number;
  readonly perPlatform: number;
}

/** First the most followed profiles of each platform, then the others, because a reader with less room keeps the first ones. */
export const mostFollowedSql = (source: SilverSource, { overall, perPlatform }: MostFollowed) =>
  `SELECT ${source.select(profile)} FROM (
     SELECT *, row_number() OVER (${byFollowers(source)}) AS place,
            row_number() OVER (PARTITION BY ${source.text('kol_profiles', 'platform')} ${byFollowers(source)}) AS place_on_platform
     FROM ${newestRows(source, 'kol_profiles')})
   WHERE place <= ${integer(overall)} OR place_on_platform <= ${integer(perPlatform)}
   ORDER BY place_on_platform <= ${integer(perPlatform)} DESC, place`;

export function profileListsSql(source: SilverSource, limit: number, scope?: string): string {
  const platform = source.text('kol_profiles', 'platform');
  return `SELECT scope, ${source.select(profile)} FROM (
            SELECT *, row_number() OVER (PARTITION BY scope ${byFollowers(source)}) AS place
            FROM ${newestRows(source, 'kol_profiles')} ${scopes(platform, scope)} WHERE ${isInScope(platform, scope)})
          WHERE place <= ${integer(limit)} ORDER BY scope, place`;
}

/** The newest content of each of these KOLs, newest first. */
export function contentOfKolsSql(source: SilverSource, kolIds: readonly string[], limit: number): string {
  const kolId = source.text('kol_content', 'kol_id');
  const newestFirst = `${withoutIdLast(source, 'kol_content')}, ${instant(source.text('kol_content', 'posted_at'))} DESC NULLS LAST, ${source.text('kol_content', 'content_id')} DESC`;
  return `SELECT ${source.select(content)} FROM (
            SELECT *, row_number() OVER (PARTITION BY ${kolId} ORDER BY ${newestFirst}) AS place
            FROM ${newestRows(source, 'kol_content')} WHERE ${kolId} IN ${literals(kolIds)})
          WHERE place <= ${integer(limit)} ORDER BY place`;
}

/** Ranks by followers, or by the mean engagement rate of the KOL's content. KOLs without a value, and rows without an id, are not ranked. */
export function rankingSql(source: SilverSource, kind: RankingKind, limit: number, scope?: string): string {
  const table = kind === 'followers' ? 'kol_profiles' : 'kol_content';
  const id = source.text(table, 'kol_id');
  const platform = source.text(table, 'platform');
  const measure =
    kind === 'followers'
      ? `max(${source.column(table, 'followers_count')})`
      : finite(`avg(${finite(`CAST(${source.column(table, 'engagement_rate')} AS double)`)})`);
  return `SELECT scope, kol_id, CAST(score AS VARCHAR) AS score FROM (
            SELECT scope, kol_id, score, row_number() OVER (PARTITION BY scope ORDER BY score DESC, kol_id DESC) AS place
            FROM (SELECT scope, ${id} AS kol_id, ${measure} AS score
                  FROM ${newestRows(source, table)} ${scopes(platform, scope)}
                  WHERE ${isInScope(platform, scope)} GROUP BY scope, ${id})
            WHERE score IS NOT NULL AND kol_id <> '')
          WHERE place <= ${integer(limit)} ORDER BY scope, place`;
}

/** The trending content ids. Rows without an id are excluded. */
export function trendingSql(source: SilverSource, limit: number, now: Date, scope?: string): string {
  const column = (name: string) => source.column('kol_content', name);
  return `WITH items AS (
            SELECT scope, content_id, heat, posted FROM (
              SELECT ${source.text('kol_content', 'platform')} AS platform, ${source.text('kol_content', 'content_id')} AS content_id,
                     coalesce(${exact(column('views'))}, 0) + ${LIKE_WEIGHT} * coalesce(${exact(column('likes'))}, 0) AS heat,
                     ${instant(source.text('kol_content', 'posted_at'))} AS posted
              FROM ${newestRows(source, 'kol_content')})
            ${scopes('platform', scope)} WHERE ${isInScope('platform', scope)} AND posted <= ${timestamp(now)} AND content_id <> ''),
          windows AS (
            SELECT scope, if(max(posted) > ${timestamp(now)} - INTERVAL '1' DAY,
                             ${timestamp(now)} - INTERVAL '1' DAY,
                             date_trunc('day', max(posted)) - INTERVAL '0.001' SECOND) AS opens
            FROM items GROUP BY scope)
          SELECT scope, content_id, CAST(heat AS VARCHAR) AS heat FROM (
            SELECT items.scope, content_id, heat,
                   row_number() OVER (PARTITION BY items.scope ORDER BY heat DESC, content_id DESC) AS place
            FROM items JOIN windows ON items.scope = windows.scope WHERE posted > opens)
          WHERE place <= ${integer(limit)} ORDER BY scope, place`;
}

export const platformStatsSql = (source: SilverSource) => {
  const column = (name: string) => source.column('kol_profiles', name);
  return `SELECT coalesce(p.scope, c.scope) AS scope,
                 CAST(coalesce(kols, 0) AS VARCHAR) AS kols, CAST(coalesce(content, 0) AS VARCHAR) AS content,
                 CAST(followers AS VARCHAR) AS followers, CAST(round(avg_followers, 2) AS VARCHAR) AS avg_followers,
                 CAST(posts AS VARCHAR) AS posts, CAST(round(avg_posts, 2) AS VARCHAR) AS avg_posts,
                 CAST(verified AS VARCHAR) AS verified
          FROM (SELECT scope, count(*) AS kols,
                       ${sumOf(column('followers_count'))} AS followers, coalesce(avg(${column('followers_count')}), 0) AS avg_followers,
                       ${sumOf(column('post_count'))} AS posts, coalesce(avg(${column('post_count')}), 0) AS avg_posts,
                       count_if(CAST(${column('verified')} AS BOOLEAN)) AS verified
                FROM ${newestRows(source, 'kol_profiles')} ${scopes(source.text('kol_profiles', 'platform'))} GROUP BY scope) AS p
          FULL OUTER JOIN (SELECT scope, count(*) AS content
                FROM ${newestRows(source, 'kol_content')} ${scopes(source.text('kol_content', 'platform'))} GROUP BY scope) AS c
          ON p.scope = c.scope ORDER BY 1`;
};

export const dailyStatsSql = (source: SilverSource, from: Date, to: Date) => {
  const sum = (name: string) => `CAST(${sumOf(source.column('kol_content', name))} AS VARCHAR) AS ${name}`;
  const posted = instant(source.text('kol_content', 'posted_at'));
  return `SELECT format_datetime(${posted}, 'yyyy-MM-dd') AS day, ${source.text('kol_content', 'platform')} AS platform,
                 CAST(count(*) AS VARCHAR) AS content, ${['views', 'likes', 'comments', 'shares'].map(sum).join(', ')}
          FROM ${newestRows(source, 'kol_content')} WHERE ${posted} BETWEEN ${timestamp(from)} AND ${timestamp(to)} GROUP BY 1, 2 ORDER BY 1, 2`;
};

/** The names of the most followed KOLs, in any order. @param limit undefined reads all, without a sort in Trino */
export const searchNamesSql = (source: SilverSource, limit: number | undefined) =>
  `SELECT ${source.text('kol_profiles', 'platform')} AS scope, ${searchNameColumns
    .map((name) => `${source.text('kol_profiles', name)} AS ${identifier(name)}`)
    .join(', ')}
   FROM ${newestRows(source, 'kol_profiles')}
   ${limit === undefined ? '' : `${byFollowers(source)} LIMIT ${integer(limit)}`}`;

export const searchNameColumns = ['kol_id', 'display_name', 'username', 'followers_count'];

/** An account is a name on a platform. @param ids default: all, unordered. For each name, the account that was processed last comes last */
export function trustFeaturesSql(source: SilverSource, ids?: readonly string[]): string {
  const text = (name: string) => source.text('kol_trust_features', name);
  const table = source.table('kol_trust_features');
  const from = ids === undefined ? table : `${table} WHERE ${text('kol_id')} IN ${literals(ids)}`;
  const account = `${text('kol_id')}, ${text('platform')}`;
  const processedAt = text('processed_at');
  const order = `ORDER BY ${instant(processedAt)} NULLS FIRST, ${processedAt} NULLS FIRST, ${text('platform')}`;
  return `SELECT ${trustFeatureColumns.map((name) => `${text(name)} AS ${name}`).join(', ')}
          FROM ${newestRowsOf(source, 'kol_trust_features', account, from)} ${ids === undefined ? '' : order}`;
}
