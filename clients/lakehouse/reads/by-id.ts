import { content, type Content } from '../../../domain/entities/content.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import type { Field, Fields } from '../../../domain/schema/field.ts';
import { newestRows } from '../../../domain/schema/newest-rows.ts';
import { mapRows, type TableEntity } from '../../../domain/schema/table-entity.ts';
import { groupBy } from '../../../domain/values/lists.ts';
import { contentOfKolsSql, existingIdsSql, idsSql } from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverReader } from '../silver-catalog.ts';
import type { SilverSource } from '../silver-source.ts';
import { literals } from '../sql.ts';

/** Reads of single rows. Ids that do not exist have no result. If an id has several rows, the newest counts. */
export interface ReadsById {
  /** The ids that the entity's table contains. */
  existingIds(
    entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>,
    ids: readonly string[],
    options?: ReadOptions,
  ): Promise<Set<string>>;
  /** The id of each row of the entity's table, including duplicates, unordered. */
  allIds(
    entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>,
    options?: ReadOptions,
  ): AsyncGenerator<string[]>;
  profilesById(ids: readonly string[], options?: ReadOptions): Promise<readonly Profile[]>;
  contentById(ids: readonly string[], options?: ReadOptions): Promise<readonly Content[]>;
  /** The newest `limit` items of each KOL that has content, newest first. */
  contentOfKols(
    kolIds: readonly string[],
    limit: number,
    options?: ReadOptions,
  ): Promise<readonly { readonly kol_id: string; readonly items: readonly Content[] }[]>;
}

export function createReadsById(silver: SilverReader): ReadsById {
  const rowsById = async <F extends Fields & { readonly processed_at: Field<string | null> }>(
    entity: TableEntity<F>,
    ids: readonly string[],
    options: ReadOptions = {},
  ) => {
    if (ids.length === 0) return [];
    const rows = await silver.rows(
      {
        tables: [entity.table],
        columns: Object.keys(entity.columns),
        sql: (source) => `SELECT ${source.select(entity)} FROM ${source.table(entity.table)}
               WHERE ${source.text(entity.table, entity.idColumn)} IN ${literals(ids)}`,
      },
      options,
    );
    return newestRows(mapRows(rows, entity.fromRow, options.onRejected, options.onInvalid), entity.idOf);
  };

  return {
    async existingIds(entity, ids, options = {}) {
      if (ids.length === 0) return new Set();
      const sql = (source: SilverSource) => existingIdsSql(source, entity, ids);
      const rows = await silver.rows({ tables: [entity.table], columns: ['id'], sql }, options);
      return new Set(rows.map(([id]) => id ?? ''));
    },
    async *allIds(entity, options = {}) {
      const sql = (source: SilverSource) => idsSql(source, entity);
      for await (const page of silver.pages({ tables: [entity.table], columns: ['id'], sql }, options))
        yield page.map(([id]) => id ?? '');
    },
    profilesById: (ids, options) => rowsById(profile, ids, options),
    contentById: (ids, options) => rowsById(content, ids, options),
    async contentOfKols(kolIds, limit, options = {}) {
      const rows = await silver.rows(
        {
          tables: ['kol_content'],
          counted: ['kol_content'],
          sql: (source) => contentOfKolsSql(source, kolIds, limit),
          columns: Object.keys(content.columns),
        },
        options,
      );
      const items = mapRows(rows, content.fromRow, options.onRejected, options.onInvalid);
      return [...groupBy(items, ({ kol_id }) => kol_id ?? '')].map(([kol_id, own]) => ({
        kol_id,
        items: own,
      }));
    },
  };
}
