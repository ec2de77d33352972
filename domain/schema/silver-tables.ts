import {
  count,
  decimal,
  flag,
  id,
  reference,
  text,
  time,
  type Field,
  type Scalar,
} from './field.ts';

/** A column that the system reads: its kind, and other names that older Silver tables give it. */
export interface SilverColumn {
  readonly field: Field<Scalar>;
  readonly formerly?: string;
}

const column = <Kind extends Field<Scalar>>(
  field: Kind,
  formerly?: string,
): { field: Kind; formerly?: string } => (formerly === undefined ? { field } : { field, formerly });

/**
 * What the system expects of the lakehouse: the columns it reads, and nothing that it does not.
 * The schema check compares this with `information_schema` before a warm writes anything.
 */
export const silver = {
  kol_profiles: {
    kol_id: column(id),
    platform: column(text),
    username: column(text),
    display_name: column(text),
    description: column(text, 'bio'),
    followers_count: column(count),
    following_count: column(count),
    post_count: column(count),
    verified: column(flag),
    category: column(text),
    profile_url: column(text),
    account_created_at: column(time),
    source: column(text),
    processed_at: column(time),
  },
  kol_content: {
    content_id: column(id),
    kol_id: column(reference),
    platform: column(text),
    content_type: column(text),
    title: column(text),
    description: column(text),
    views: column(count),
    likes: column(count),
    comments: column(count),
    shares: column(count),
    engagement_rate: column(decimal),
    duration_seconds: column(count),
    posted_at: column(time),
    hashtags: column(text),
    source: column(text),
    processed_at: column(time),
  },
  kol_trust_features: {
    kol_id: column(id),
    platform: column(text),
    has_profile_image: column(flag),
    has_bio: column(flag),
    bio_length: column(count),
    has_url: column(flag),
    verified: column(flag),
    followers_count: column(count),
    following_count: column(count),
    post_count: column(count),
    favorites_count: column(count),
    account_age_days: column(count),
  },
} as const satisfies Record<string, Record<string, SilverColumn>>;

export type SilverTable = keyof typeof silver;
export const silverTables = Object.keys(silver) as SilverTable[];

/** A table as it was found: which actual column answers to each expected one. */
export type FoundTable = Readonly<Record<string, string>>;

/** One thing wrong with the source schema, ready to be shown to an operator. */
export interface SchemaProblem {
  readonly table: string;
  readonly column: string | null;
  readonly found: string;
  readonly accepted: string;
}

/** `varchar(32)` and `timestamp(6) with time zone` → the base type that `accepts` names. */
export const baseType = (type: string): string => type.toLowerCase().replace(/\([^)]*\)/, '');

/**
 * Compares one table with what is expected of it.
 * @param columns column name → Trino type, empty when there is no such table
 * @returns the mapping expected → actual column name, and every problem (not just the first)
 */
export function checkTable(
  table: SilverTable,
  columns: ReadonlyMap<string, string>,
): { found: FoundTable; problems: SchemaProblem[] } {
  if (columns.size === 0)
    return {
      found: {},
      problems: [{ table, column: null, found: 'no such table', accepted: 'a table or view' }],
    };
  const found: Record<string, string> = {};
  const problems: SchemaProblem[] = [];
  for (const [name, expected] of Object.entries<SilverColumn>(silver[table])) {
    const actual = [name, expected.formerly].find(
      (candidate) => candidate !== undefined && columns.has(candidate),
    );
    const accepted = expected.field.accepts.join(' or ');
    if (actual === undefined) {
      const names = expected.formerly === undefined ? name : `${name} (or ${expected.formerly})`;
      problems.push({
        table,
        column: name,
        found: 'no such column',
        accepted: `${names} of type ${accepted}`,
      });
      continue;
    }
    const type = columns.get(actual) ?? '';
    if (!expected.field.accepts.includes(baseType(type)))
      problems.push({ table, column: actual, found: type, accepted });
    found[name] = actual;
  }
  return { found, problems };
}

/** A column that stands in for the expected one. */
export interface RenamedColumn {
  readonly table: SilverTable;
  readonly expected: string;
  readonly found: string;
}

/** The mapping of columns that were found under another name than the expected one. */
export const renamedColumns = (table: SilverTable, found: FoundTable): RenamedColumn[] =>
  Object.entries(found)
    .filter(([expected, actual]) => expected !== actual)
    .map(([expected, actual]) => ({ table, expected, found: actual }));

/** A problem as one sentence. */
export const formatSchemaProblem = ({ table, column: name, found, accepted }: SchemaProblem): string =>
  `${table}${name === null ? '' : `.${name}`}: found ${found}, accepted is ${accepted}`;
