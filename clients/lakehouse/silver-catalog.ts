import {
  checkTable,
  formatSchemaProblem,
  renamedColumns,
  type ColumnMapping,
  type RenamedColumn,
  type SchemaProblem,
} from '../../domain/schema/check-table.ts';
import type { Fields } from '../../domain/schema/field.ts';
import { silver, silverTables, type SilverTable } from '../../domain/schema/silver-tables.ts';
import type { Row } from '../../domain/schema/table-entity.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import { createFindRepeatedIds } from './repeated-ids.ts';
import type { CountedTable, SilverSource } from './silver-source.ts';
import { bigInteger, identifier, literal, literals } from './sql.ts';
import type { Trino } from './trino.ts';

/** The lakehouse does not have the tables or columns that the system reads. The message lists all differences. */
export class SourceSchemaError extends Error {
  readonly code = 'SOURCE_SCHEMA_MISMATCH';
  constructor(readonly problems: readonly SchemaProblem[]) {
    super(
      `The source schema is not as expected:\n${problems.map((problem) => `- ${formatSchemaProblem(problem)}`).join('\n')}`,
    );
    this.name = 'SourceSchemaError';
  }
}

/** The result of comparing the Silver tables with the contract. */
interface SchemaCheck {
  readonly source: SilverSource;
  readonly problems: SchemaProblem[];
  readonly renamed: RenamedColumn[];
}

export interface SilverCatalog {
  /** Reads information_schema. Later reads use the result. */
  check(): Promise<SchemaCheck>;
  /**
   * The tables as of the last check, which is at most `maxAgeSeconds` old. Using a table that breaks the contract throws
   * SourceSchemaError.
   * @param versions snapshots to read; other tables are read as they are
   * @param counted tables whose rows are counted: the source then knows whether their ids repeat
   */
  source(versions?: TableVersions, counted?: readonly CountedTable[]): Promise<SilverSource>;
}

/** Finds the Silver tables in one schema of one catalog. */
export function createSilverCatalog(
  trino: Trino,
  { catalog, schema, maxAgeSeconds = 60 }: { catalog: string; schema: string; maxAgeSeconds?: number },
): SilverCatalog {
  const findRepeatedIds = createFindRepeatedIds(trino);
  let latest: { checkedAt: number; source: Promise<SilverSource> } | undefined;

  async function check(): Promise<SchemaCheck> {
    const rows = await trino.rows(
      `SELECT table_name, column_name, data_type FROM ${identifier(catalog)}.information_schema.columns
       WHERE table_schema = ${literal(schema)} AND table_name IN ${literals(silverTables)}`,
      { columns: ['table_name', 'column_name', 'data_type'] },
    );
    const { found, problems, renamed } = compareTables(rows);
    const qualifiedSchema = `${identifier(catalog)}.${identifier(schema)}`;
    const source = createSilverSource(qualifiedSchema, found, (table) => {
      const tableProblems = problems.filter((problem) => problem.table === table);
      if (tableProblems.length === 0) return;
      latest = undefined; // the next read checks again, since the table may be repaired by then
      throw new SourceSchemaError(tableProblems);
    });
    latest = { checkedAt: Date.now(), source: Promise.resolve(source) };
    return { source, problems, renamed };
  }

  return {
    check,
    async source(versions = {}, counted = []) {
      if (latest === undefined || Date.now() - latest.checkedAt > maxAgeSeconds * 1000) {
        const source = check().then((checked) => checked.source);
        latest = { checkedAt: Date.now(), source };
        source.catch(() => (latest = undefined)); // the next read tries again
      }
      const source = atVersions(await latest.source, versions);
      if (counted.length === 0) return source;
      const repeated = await findRepeatedIds(source, counted, versions);
      return { ...source, repeatsIds: (table) => repeated.has(table) };
    },
  };
}

const atVersions = (source: SilverSource, versions: TableVersions): SilverSource => ({
  ...source,
  table(name) {
    const version = versions[name];
    const table = source.table(name);
    return version?.kind === 'snapshot' ? `${table} FOR VERSION AS OF ${bigInteger(version.id)}` : table;
  },
});

/** @param rows table name, column name and Trino type of each column */
function compareTables(rows: readonly Row[]) {
  const found = {} as Record<SilverTable, ColumnMapping>;
  const problems: SchemaProblem[] = [];
  const renamed: RenamedColumn[] = [];
  for (const table of silverTables) {
    const columns = new Map(
      rows.filter(([name]) => name === table).map(([, column, type]) => [column ?? '', type ?? '']),
    );
    const checked = checkTable(table, columns);
    found[table] = checked.found;
    problems.push(...checked.problems);
    renamed.push(...renamedColumns(table, checked.found));
  }
  return { found, problems, renamed };
}

/**
 * @param qualifiedSchema quoted `"catalog"."schema"`
 * @param found the actual column names, by table
 * @param assertUsable throws for a table that breaks the contract; the other tables can still be read
 */
function createSilverSource(
  qualifiedSchema: string,
  found: Readonly<Record<SilverTable, ColumnMapping>>,
  assertUsable: (table: SilverTable) => void,
): SilverSource {
  const column = (table: SilverTable, name: string) => {
    assertUsable(table);
    return identifier(found[table][name]?.name ?? name);
  };
  const text = (table: SilverTable, name: string) => {
    const expected = (silver[table] as Record<string, { field: Fields[string] }>)[name];
    if (expected === undefined)
      throw new Error(`${table}.${name} is not in the contract of domain/schema/silver-tables.ts`);
    return expected.field.select(column(table, name), found[table][name]?.type ?? '');
  };
  return {
    table(name) {
      assertUsable(name);
      return `${qualifiedSchema}.${identifier(name)}`;
    },
    repeatsIds: () => true,
    refs: (name) => `${qualifiedSchema}.${identifier(name).replace(/"$/, '$refs"')}`,
    column,
    text,
    select: (entity) =>
      Object.entries(entity.columns)
        .map(([name, from]) => `${text(entity.table, from)} AS ${identifier(name)}`)
        .join(', '),
  };
}
