import { content, type Content } from '../../../domain/entities/content.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import type { Field, Fields } from '../../../domain/schema/field.ts';
import { newestRows } from '../../../domain/schema/newest-rows.ts';
import { mapRows, type TableEntity } from '../../../domain/schema/table-entity.ts';
import { groupBy } from '../../../domain/values/group-by.ts';
import { contentOfKolsSql, existingIdsSql } from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverCatalog } from '../silver-catalog.ts';
import { literals } from '../sql.ts';
import type { Trino } from '../trino.ts';

/** Reads of single rows. Ids that do not exist have no result; of several rows of one id, the newest counts. */
export interface ReadsById {
  /** The ids that the entity's table contains. */
  existingIds(
    entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>,
    ids: readonly string[],
    options?: ReadOptions,
  ): Promise<Set<string>>;
  profilesById(ids: readonly string[], options?: ReadOptions): Promise<readonly Profile[]>;
  contentById(ids: readonly string[], options?: ReadOptions): Promise<readonly Content[]>;
  /** The newest `limit` items of each KOL that has content, newest first. */
  contentOfKols(
    kolIds: readonly string[],
    limit: number,
    options?: ReadOptions,
  ): Promise<readonly { readonly kol_id: string; readonly items: readonly Content[] }[]>;
}

export function createReadsById(trino: Trino, silver: SilverCatalog): ReadsById {
  const rowsById = async <F extends Fields & { readonly processed_at: Field<string | null> }>(
    entity: TableEntity<F>,
    ids: readonly string[],
    options: ReadOptions = {},
  ) => {
    if (ids.length === 0) return [];
    const source = await silver.source(options.versions);
    const sql = `SELECT ${source.select(entity)} FROM ${source.table(entity.table)}
                 WHERE ${source.text(entity.table, entity.idColumn)} IN ${literals(ids)}`;
    const rows = await trino.rows(sql, { columns: Object.keys(entity.columns), signal: options.signal });
    return newestRows(mapRows(rows, entity.fromRow, options.onRejected), entity.idOf);
  };

  return {
    async existingIds(entity, ids, { signal, versions } = {}) {
      if (ids.length === 0) return new Set();
      const sql = existingIdsSql(await silver.source(versions), entity, ids);
      const rows = await trino.rows(sql, { columns: ['id'], signal });
      return new Set(rows.map(([id]) => id ?? ''));
    },
    profilesById: (ids, options) => rowsById(profile, ids, options),
    contentById: (ids, options) => rowsById(content, ids, options),
    async contentOfKols(kolIds, limit, options = {}) {
      const sql = contentOfKolsSql(await silver.source(options.versions, ['kol_content']), kolIds, limit);
      const columns = Object.keys(content.columns);
      const rows = await trino.rows(sql, { columns, signal: options.signal });
      const items = mapRows(rows, content.fromRow, options.onRejected);
      return [...groupBy(items, ({ kol_id }) => kol_id ?? '')].map(([kol_id, own]) => ({
        kol_id,
        items: own,
      }));
    },
  };
}
