import { silver, type SilverColumn, type SilverTable } from './silver-tables.ts';

/** A column as it is in this environment. */
interface FoundColumn {
  readonly name: string;
  /** Trino base type in lower case, such as `varchar`. */
  readonly type: string;
  /** The type with its length or precision. */
  readonly declared: string;
}

/** Expected column name → the column in this environment. */
export type ColumnMapping = Readonly<Record<string, FoundColumn>>;

/** One difference between the source schema and the expected one. */
export interface SchemaProblem {
  readonly table: string;
  /** Null when the whole table is missing. */
  readonly column: string | null;
  readonly found: string;
  readonly accepted: string;
}

/** A problem as one sentence for an operator. */
export const formatSchemaProblem = ({ table, column, found, accepted }: SchemaProblem): string =>
  `${table}${column === null ? '' : `.${column}`}: found ${found}, accepted is ${accepted}`;

/**
 * Compares a table with the expected one.
 * @param columns column name → Trino type; empty when there is no such table
 * @returns the columns that were found, and all problems
 */
export function checkTable(
  table: SilverTable,
  columns: ReadonlyMap<string, string>,
): { found: ColumnMapping; problems: SchemaProblem[] } {
  if (columns.size === 0)
    return {
      found: {},
      problems: [{ table, column: null, found: 'no such table', accepted: 'a table or view' }],
    };
  const found: Record<string, FoundColumn> = {};
  const problems: SchemaProblem[] = [];
  for (const [name, expected] of Object.entries<SilverColumn>(silver[table])) {
    const actual = [name, expected.formerName].find(
      (candidate) => candidate !== undefined && columns.has(candidate),
    );
    if (actual === undefined) {
      problems.push(missingColumn(table, name, expected));
      continue;
    }
    const type = columns.get(actual) ?? '';
    if (!expected.field.accepts.includes(baseType(type)))
      problems.push({ table, column: actual, found: type, accepted: acceptedTypes(expected) });
    found[name] = { name: actual, type: baseType(type), declared: type };
  }
  return { found, problems };
}

function missingColumn(table: SilverTable, name: string, expected: SilverColumn): SchemaProblem {
  const names = expected.formerName === undefined ? name : `${name} (or ${expected.formerName})`;
  return {
    table,
    column: name,
    found: 'no such column',
    accepted: `${names} of type ${acceptedTypes(expected)}`,
  };
}

const acceptedTypes = ({ field }: SilverColumn): string => field.accepts.join(' or ');

/** `varchar(32)` and `timestamp(6) with time zone` → the base type that `Field.accepts` names. */
const baseType = (type: string): string => type.toLowerCase().replace(/\([^)]*\)/, '');

/** A column that was found under another name than the expected one. */
export interface RenamedColumn {
  readonly table: SilverTable;
  readonly expected: string;
  readonly found: string;
}

export const renamedColumns = (table: SilverTable, found: ColumnMapping): RenamedColumn[] =>
  Object.entries(found)
    .filter(([expected, { name }]) => expected !== name)
    .map(([expected, { name }]) => ({ table, expected, found: name }));
