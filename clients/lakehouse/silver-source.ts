import type { Fields } from '../../domain/schema/field.ts';
import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';

/** A column that Trino refuses to read, for example because a file holds another type than the table declares. */
export interface UnreadableColumn {
  readonly table: SilverTable;
  /** Expected name. */
  readonly column: string;
  /** Trino's message. */
  readonly reason: string;
}

/** A table whose rows are counted, ranked or listed. */
export type CountedTable = Extract<SilverTable, 'kol_profiles' | 'kol_content'>;

/** SQL with the actual names of the Silver tables and columns in this environment. */
export interface SilverSource {
  /** Qualified, quoted table name, with the chosen snapshot if any. */
  table(name: SilverTable): string;
  /** Qualified, quoted name of a metadata table of an Iceberg table: its branches and their history, its files, or its versions of metadata. */
  metadata(name: SilverTable, kind: 'refs' | 'history' | 'files' | 'metadata_log_entries'): string;
  /** Names and types of the columns as the table declares them, as text that is only compared. */
  declaration(name: SilverTable): string;
  /** Whether the table may have several rows of an id. */
  repeatsIds(name: CountedTable): boolean;
  /** Unreadable columns in the SQL that was built so far. They are replaced by NULL. */
  unreadable(): readonly UnreadableColumn[];
  /** Quoted actual name of an expected column; NULL of its type for a column that cannot be read. */
  column(table: SilverTable, column: string): string;
  /** Expression for a column as VARCHAR, in the form that its field type parses. */
  text(table: SilverTable, column: string): string;
  /** `a AS "x", …`: select list of an entity, in the order that `fromRow` expects. */
  select(entity: Pick<TableEntity<Fields>, 'table' | 'columns'>): string;
}
