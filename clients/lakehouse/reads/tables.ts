import type { Fields } from '../../../domain/schema/field.ts';
import type { SilverTable } from '../../../domain/schema/silver-tables.ts';
import type { TableEntity } from '../../../domain/schema/table-entity.ts';
import { countIdsSql, countRowsSql, snapshotSql } from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverCatalog } from '../silver-catalog.ts';
import type { Trino } from '../trino.ts';
import { TrinoQueryError } from '../trino-errors.ts';

/** Reads about a table as a whole. */
export interface TableReads {
  countRows(table: SilverTable, options?: ReadOptions): Promise<number>;
  /** Number of distinct ids in the entity's table. */
  countIds(entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>, options?: ReadOptions): Promise<number>;
  /** The id of the table's current snapshot; null when it has none (not an Iceberg table, or never written). */
  snapshot(table: SilverTable, options?: ReadOptions): Promise<string | null>;
}

export function createTableReads(trino: Trino, silver: SilverCatalog): TableReads {
  return {
    async countRows(table, { signal } = {}) {
      const sql = countRowsSql(await silver.source(), table);
      const [row] = await trino.rows(sql, { columns: ['rows'], signal });
      return Number(row?.[0]);
    },
    async countIds({ table, idColumn }, { signal } = {}) {
      const sql = countIdsSql(await silver.source(), table, idColumn);
      const [row] = await trino.rows(sql, { columns: ['ids'], signal });
      return Number(row?.[0]);
    },
    async snapshot(table, { signal } = {}) {
      try {
        const sql = snapshotSql(await silver.source(), table);
        const [row] = await trino.rows(sql, { columns: ['snapshot_id'], signal });
        return row?.[0] ?? null;
      } catch (error) {
        // Only the Iceberg connector has this metadata table.
        if (error instanceof TrinoQueryError && !error.retryable) return null;
        throw error;
      }
    },
  };
}
