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
import { abortable } from '../../domain/values/abortable.ts';
import { createFlights } from '../../domain/values/flights.ts';
import { createFindRepeatedIds } from './repeated-ids.ts';
import { translateVersionError } from './table-changed.ts';
import type { CountedTable, SilverSource, UnreadableColumn } from './silver-source.ts';
import type { ReadOptions } from './read-options.ts';
import { bigInteger, identifier, literal, literals } from './sql.ts';
import type { Trino } from './trino.ts';
import { isSchemaOutdated, isTableMissing } from './trino-errors.ts';
import { createUnreadableColumns } from './unreadable-columns.ts';

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
   * @param signal ends the wait, and the queries when no other reader waits for them
   */
  source(
    versions?: TableVersions,
    counted?: readonly CountedTable[],
    signal?: AbortSignal,
  ): Promise<SilverSource>;
  /**
   * Learns from the failure of a read of these tables. Columns that cannot be read are found, and later sources have NULL in their place. If the tables have changed since the last check, later sources come from a new check.
   * @param signal ends the wait. The check continues, because the next reader needs its result and may lack the time for a new check
   * @returns whether the read is worth repeating
   */
  learnFrom(
    error: unknown,
    tables: readonly SilverTable[],
    versions?: TableVersions,
    signal?: AbortSignal,
  ): Promise<boolean>;
}

/** Columns to replace by NULL in a table of this declaration. */
type UnreadableOf = (table: SilverTable, declaration: string) => readonly UnreadableColumn[];

/** Creates the source of these versions. */
type SourceFactory = (versions: TableVersions, unreadableOf: UnreadableOf) => SilverSource;

interface SilverCatalogOptions {
  readonly catalog: string;
  readonly schema: string;
  readonly maxAgeSeconds?: number;
  /** See `createUnreadableColumns`. */
  readonly checkPausesMs?: readonly number[];
}

/** Finds the Silver tables in one schema of one catalog. */
export function createSilverCatalog(
  trino: Trino,
  { catalog, schema, maxAgeSeconds = 60, checkPausesMs }: SilverCatalogOptions,
): SilverCatalog {
  const findRepeatedIds = createFindRepeatedIds(trino);
  const unreadable = createUnreadableColumns(trino, checkPausesMs);
  let latest: { checkedAt: number; sourceOf: SourceFactory } | undefined;
  const checks = createFlights<{ readonly sourceOf: SourceFactory }>();

  async function check(signal?: AbortSignal): Promise<SchemaCheck & { readonly sourceOf: SourceFactory }> {
    const rows = await trino.rows(
      `SELECT table_name, column_name, data_type FROM ${identifier(catalog)}.information_schema.columns
       WHERE table_schema = ${literal(schema)} AND table_name IN ${literals(silverTables)}`,
      { columns: ['table_name', 'column_name', 'data_type'], signal },
    );
    const { found, problems, renamed } = compareTables(rows);
    const qualifiedSchema = `${identifier(catalog)}.${identifier(schema)}`;
    const assertUsable = (table: SilverTable) => {
      const tableProblems = problems.filter((problem) => problem.table === table);
      if (tableProblems.length === 0) return;
      latest = undefined; // the next read checks again, because the table may be repaired by then
      throw new SourceSchemaError(tableProblems);
    };
    const sourceOf: SourceFactory = (versions, unreadableOf) =>
      atVersions(createSilverSource(qualifiedSchema, found, assertUsable, unreadableOf), versions);
    latest = { checkedAt: Date.now(), sourceOf };
    return { sourceOf, problems, renamed };
  }

  async function latestFactory(signal: AbortSignal | undefined): Promise<SourceFactory> {
    if (latest !== undefined && Date.now() - latest.checkedAt <= maxAgeSeconds * 1000) return latest.sourceOf;
    const checked = await checks.share('schema', (flight) => check(flight.signal), signal);
    return checked.sourceOf;
  }

  return {
    check: () => check(),
    async source(versions = {}, counted = [], signal) {
      const source = (await latestFactory(signal))(versions, (table, declaration) =>
        unreadable.known(table, declaration, versions),
      );
      if (counted.length === 0) return source;
      const repeated = await findRepeatedIds(source, counted, versions, signal);
      return { ...source, repeatsIds: (table) => repeated.has(table) };
    },
    async learnFrom(error, tables, versions = {}, signal) {
      if (isSchemaOutdated(error)) {
        latest = undefined;
        return true;
      }
      const everyColumn = (await latestFactory(signal))(versions, () => []);
      return abortable([signal], () => unreadable.find(error, everyColumn, tables, versions));
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
 * @param unreadableOf columns to replace by NULL
 */
function createSilverSource(
  qualifiedSchema: string,
  found: Readonly<Record<SilverTable, ColumnMapping>>,
  assertUsable: (table: SilverTable) => void,
  unreadableOf: UnreadableOf,
): SilverSource {
  const declarations = new Map(silverTables.map((table) => [table, JSON.stringify(found[table])]));
  const declaration = (table: SilverTable) => declarations.get(table) ?? '';
  const replaced = new Map<string, UnreadableColumn>();
  const column = (table: SilverTable, name: string) => {
    assertUsable(table);
    const actual = found[table][name];
    const unreadable = unreadableOf(table, declaration(table)).find((one) => one.column === name);
    if (actual === undefined || unreadable === undefined) return identifier(actual?.name ?? name);
    replaced.set(`${table}.${name}`, unreadable);
    return `CAST(NULL AS ${actual.type})`;
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
    declaration,
    unreadable: () => [...replaced.values()],
    metadata: (name, kind) => `${qualifiedSchema}.${identifier(name).replace(/"$/, `$$${kind}"`)}`,
    column,
    text,
    select: (entity) =>
      Object.entries(entity.columns)
        .map(([name, from]) => `${text(entity.table, from)} AS ${identifier(name)}`)
        .join(', '),
  };
}

/** A query on Silver tables. */
interface SilverQuery {
  /** The tables whose columns it reads. */
  readonly tables: readonly SilverTable[];
  /** The tables for which the query depends on whether ids repeat. */
  readonly counted?: readonly CountedTable[];
  readonly sql: (source: SilverSource) => string;
  /** Names of the result's columns, in order. */
  readonly columns: readonly string[];
}

/** Trino failed on an unreadable column after the first rows of a result. The next read leaves the column out. */
class UnreadableColumnError extends Error {
  readonly code = 'UNREADABLE_COLUMN';
  constructor(cause: Error) {
    super(`A column cannot be read; the next read takes it as unknown (${cause.message})`, { cause });
    this.name = 'UnreadableColumnError';
  }
}

/** Runs queries on the Silver tables. A column that cannot be read is unknown in each row, unless it is the id. */
export interface SilverReader {
  /** Returns all rows of a small result. @throws TrinoQueryError, TrinoUnavailableError, SourceSchemaError, TableChangedError */
  rows(query: SilverQuery, options: ReadOptions): Promise<Row[]>;
  /** Streams the pages of a result. @throws as `rows`, and UnreadableColumnError */
  pages(query: SilverQuery, options: ReadOptions): AsyncGenerator<Row[]>;
}

export function createSilverReader(trino: Trino, silver: SilverCatalog): SilverReader {
  async function sqlOf({ sql, counted }: SilverQuery, { versions, signal, onUnreadable }: ReadOptions) {
    const source = await silver.source(versions, counted, signal);
    const text = sql(source);
    for (const column of source.unreadable()) onUnreadable?.(column);
    return text;
  }

  /**
   * The statement to send after a query failed.
   * @throws the error, if the statement would be the same. The same statement is repeated only if a table was missing for a moment
   */
  async function sqlAfter(error: unknown, sql: string, query: SilverQuery, options: ReadOptions) {
    const { versions, signal } = options;
    const failure = translateVersionError(error, query.tables, versions);
    if (!(await silver.learnFrom(error, query.tables, versions, signal))) throw failure;
    const next = await sqlOf(query, options);
    if (next === sql && !isTableMissing(error)) throw failure;
    return next;
  }

  return {
    async rows(query, options) {
      const { signal, timeoutSeconds } = options;
      const read = (sql: string) => trino.rows(sql, { columns: query.columns, signal, timeoutSeconds });
      const sql = await sqlOf(query, options);
      try {
        return await read(sql);
      } catch (error) {
        return read(await sqlAfter(error, sql, query, options));
      }
    },

    async *pages(query, options) {
      const { signal, timeoutSeconds } = options;
      const read = (sql: string) => trino.pages(sql, { columns: query.columns, signal, timeoutSeconds });
      const sql = await sqlOf(query, options);
      let next: string;
      let hasRows = false;
      try {
        for await (const page of read(sql)) {
          hasRows = true;
          yield page;
        }
        return;
      } catch (error) {
        next = await sqlAfter(error, sql, query, options);
        if (hasRows) throw new UnreadableColumnError(error as Error);
      }
      yield* read(next);
    },
  };
}
