import type { Fields } from '../../../domain/schema/field.ts';
import type { SilverTable } from '../../../domain/schema/silver-tables.ts';
import type { TableVersions } from '../../../domain/warming/table-version.ts';
import type { TableEntity } from '../../../domain/schema/table-entity.ts';
import { countIdsSql, countRowsSql } from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverCatalog } from '../silver-catalog.ts';
import { createReadTableVersions, type ReadTableVersions } from '../table-versions.ts';
import { createListDataFiles, type ListDataFiles } from '../data-files.ts';
import type { Trino } from '../trino.ts';
import { createVersionMemo } from '../version-memo.ts';

/** Reads about a table as a whole. */
export interface TableReads {
  /** Counts a version once: all parts that read the table share the query. */
  countRows(table: SilverTable, options?: ReadOptions): Promise<number>;
  /** Number of distinct ids in the entity's table. */
  countIds(entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>, options?: ReadOptions): Promise<number>;
  /** The versions that a read would see now. */
  readonly tableVersions: ReadTableVersions;
  readonly dataFiles: ListDataFiles;
}

export function createTableReads(trino: Trino, silver: SilverCatalog): TableReads {
  const counts = createVersionMemo<number>();

  async function count(table: SilverTable, versions: TableVersions, signal?: AbortSignal): Promise<number> {
    const sql = countRowsSql(await silver.source(versions), table);
    const [row] = await trino.rows(sql, { columns: ['rows'], signal });
    return Number(row?.[0]);
  }

  return {
    countRows: (table, { signal, versions = {} } = {}) =>
      counts.of(table, versions, (shared) => count(table, versions, shared), signal),
    async countIds({ table, idColumn }, { signal, versions } = {}) {
      const sql = countIdsSql(await silver.source(versions), table, idColumn);
      const [row] = await trino.rows(sql, { columns: ['ids'], signal });
      return Number(row?.[0]);
    },
    tableVersions: createReadTableVersions(trino, silver),
    dataFiles: createListDataFiles(trino, silver),
  };
}
