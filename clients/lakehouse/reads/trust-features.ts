import {
  trustFeatureColumns,
  trustFeaturesFromRow,
  type TrustFeatures,
} from '../../../domain/scoring/trust-features.ts';
import { mapRows } from '../../../domain/schema/table-entity.ts';
import { trustFeaturesByIdSql, trustFeaturesSql } from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverCatalog } from '../silver-catalog.ts';
import type { Trino } from '../trino.ts';

export interface TrustFeatureReads {
  /** The features of all accounts with these names. A name on two platforms has two rows, an unknown name none. */
  trustFeatures(ids: readonly string[], options?: ReadOptions): Promise<TrustFeatures[]>;
  /** The features of all accounts, page by page, ordered by name. */
  allTrustFeatures(options?: ReadOptions): AsyncGenerator<TrustFeatures[]>;
}

export function createTrustFeatureReads(trino: Trino, silver: SilverCatalog): TrustFeatureReads {
  return {
    async trustFeatures(ids, options = {}) {
      if (ids.length === 0) return [];
      const sql = trustFeaturesByIdSql(await silver.source(), ids);
      const rows = await trino.rows(sql, { columns: trustFeatureColumns, signal: options.signal });
      return mapRows(rows, trustFeaturesFromRow, options.onRejected);
    },
    async *allTrustFeatures(options = {}) {
      const sql = `${trustFeaturesSql(await silver.source())} ORDER BY kol_id`;
      for await (const page of trino.pages(sql, { columns: trustFeatureColumns, signal: options.signal }))
        yield mapRows(page, trustFeaturesFromRow, options.onRejected);
    },
  };
}
