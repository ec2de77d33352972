import {
  checkTable,
  renamedColumns,
  silver,
  silverTables,
  type FoundTable,
  type RenamedColumn,
  type SchemaProblem,
  type SilverTable,
} from '../../domain/schema/silver-tables.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import { identifier, literal, literals } from './sql.ts';
import type { Trino } from './trino.ts';

/** The lakehouse does not have the tables or columns that the system reads. Says all that is wrong. */
export class SourceSchemaError extends Error {
  readonly code = 'SOURCE_SCHEMA_MISMATCH';
  constructor(
    readonly problems: readonly SchemaProblem[],
    sentences: readonly string[],
  ) {
    super(
      `The source schema is not as expected:\n${sentences.map((sentence) => `- ${sentence}`).join('\n')}`,
    );
    this.name = 'SourceSchemaError';
  }
}

/** The Silver tables as they are in this environment; made by checking them. */
export interface SilverSource {
  /** Qualified, quoted table name. */
  table(name: SilverTable): string;
  /** Qualified, quoted name of the metadata table in which Iceberg keeps the table's branches. */
  refs(name: SilverTable): string;
  /** Quoted actual column that answers to the expected one. */
  column(table: SilverTable, column: string): string;
  /** SQL expression giving the column as VARCHAR, as its kind reads it. */
  text(table: SilverTable, column: string): string;
  /** `a AS "x", …`: select list of an entity, in the order that `fromRow` expects. */
  select(entity: Pick<TableEntity<Fields>, 'table' | 'columns'>): string;
}

export interface SilverCatalog {
  /** Looks at information_schema now; later reads go by what it found. */
  check(): Promise<{ source: SilverSource; problems: SchemaProblem[]; renamed: RenamedColumn[] }>;
  /** The tables as found lately (at most `maxAgeSeconds` ago). A table that does not fit throws SourceSchemaError when it is used. */
  source(): Promise<SilverSource>;
}

/** Finds the Silver tables of one catalog and schema. */
export function createSilverCatalog(
  trino: Trino,
  { catalog, schema, maxAgeSeconds = 60 }: { catalog: string; schema: string; maxAgeSeconds?: number },
  describe: (problem: SchemaProblem) => string,
): SilverCatalog {
  const qualified = `${identifier(catalog)}.${identifier(schema)}`;
  let latest: { at: number; source: Promise<SilverSource> } | undefined;

  async function check() {
    const rows = await trino.rows(
      `SELECT table_name, column_name, data_type FROM ${identifier(catalog)}.information_schema.columns
       WHERE table_schema = ${literal(schema)} AND table_name IN ${literals(silverTables)}`,
      { columns: ['table_name', 'column_name', 'data_type'] },
    );
    const found = {} as Record<SilverTable, FoundTable>;
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
    // What does not fit is looked at again by the next reader: it may be mended by then.
    const source = sourceOf(qualified, found, (table) => {
      const ours = problems.filter((problem) => problem.table === table);
      if (ours.length === 0) return;
      latest = undefined;
      throw new SourceSchemaError(ours, ours.map(describe));
    });
    latest = { at: Date.now(), source: Promise.resolve(source) };
    return { source, problems, renamed };
  }

  return {
    check,
    source() {
      if (latest === undefined || Date.now() - latest.at > maxAgeSeconds * 1000) {
        const source = check().then((checked) => checked.source);
        latest = { at: Date.now(), source };
        source.catch(() => (latest = undefined)); // a failed look is not remembered
      }
      return latest.source;
    },
  };
}

/** @param demand throws where a table does not fit: those that do can be read all the same */
function sourceOf(
  qualified: string,
  found: Readonly<Record<SilverTable, FoundTable>>,
  demand: (table: SilverTable) => void,
): SilverSource {
  const column = (table: SilverTable, name: string) => {
    demand(table);
    return identifier(found[table][name] ?? name);
  };
  const text = (table: SilverTable, name: string) => {
    const expected = (silver[table] as Record<string, { field: Fields[string] }>)[name];
    if (expected === undefined)
      throw new Error(`${table}.${name} is not in the contract of domain/schema/silver-tables.ts`);
    return expected.field.select(column(table, name));
  };
  return {
    table(name) {
      demand(name);
      return `${qualified}.${identifier(name)}`;
    },
    refs: (name) => `${qualified}.${identifier(name).replace(/"$/, '$refs"')}`,
    column,
    text,
    select: (entity) =>
      Object.entries(entity.columns)
        .map(([name, from]) => `${text(entity.table, from)} AS ${identifier(name)}`)
        .join(', '),
  };
}
