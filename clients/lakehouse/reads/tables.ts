import type { Fields } from '../../../domain/schema/field.ts';
import type { SilverTable } from '../../../domain/schema/silver-tables.ts';
import type { TableVersions } from '../../../domain/warming/table-version.ts';
import type { TableEntity } from '../../../domain/schema/table-entity.ts';
import { countIdsSql, countRowsSql } from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverCatalog } from '../silver-catalog.ts';
import type { CountedTable, SilverSource } from '../silver-source.ts';
import { translateVersionError } from '../table-changed.ts';
import { createVersionReads, type ReadTableVersions } from '../table-versions.ts';
import { createListDataFiles, type ListDataFiles } from '../data-files.ts';
import type { Trino } from '../trino.ts';
import { createVersionMemo } from '../version-memo.ts';

/** Reads about a table as a whole. */
export interface TableReads {
  /** Counts each version only once: all parts that read the table share the query. */
  countRows(table: SilverTable, options?: ReadOptions): Promise<number>;
  /** Number of distinct ids in the entity's table. */
  countIds(entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>, options?: ReadOptions): Promise<number>;
  /** Whether several rows may have the same id. */
  repeatsIds(table: CountedTable, options?: ReadOptions): Promise<boolean>;
  /** The versions that a read would see now. */
  readonly tableVersions: ReadTableVersions;
  /** The current versions in one query, only for comparison with other versions. */
  readonly comparedVersions: ReadTableVersions;
  readonly dataFiles: ListDataFiles;
}

export function createTableReads(trino: Trino, silver: SilverCatalog): TableReads {
  const counts = createVersionMemo<number>();

  /** @throws TableChangedError when the version is gone */
  async function count(
    table: SilverTable,
    sqlOf: (source: SilverSource) => string,
    versions: TableVersions | undefined,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const sql = sqlOf(await silver.source(versions, [], signal));
    try {
      const [row] = await trino.rows(sql, { columns: ['count'], signal });
      return Number(row?.[0]);
    } catch (error) {
      throw translateVersionError(error, [table], versions);
    }
  }

  return {
    countRows: (table, { signal, versions = {} } = {}) =>
      counts.of(
        table,
        versions,
        (shared) => count(table, (source) => countRowsSql(source, table), versions, shared),
        signal,
      ),
    countIds: ({ table, idColumn }, { signal, versions } = {}) =>
      count(table, (source) => countIdsSql(source, table, idColumn), versions, signal),
    async repeatsIds(table, { signal, versions } = {}) {
      try {
        return (await silver.source(versions, [table], signal)).repeatsIds(table);
      } catch (error) {
        throw translateVersionError(error, [table], versions);
      }
    },
    ...createVersionReads(trino, silver),
    dataFiles: createListDataFiles(trino, silver),
  };
}
