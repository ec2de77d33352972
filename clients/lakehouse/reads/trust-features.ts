import {
  trustFeatureColumns,
  trustFeaturesFromRow,
  type TrustFeatures,
} from '../../../domain/scoring/trust-model.ts';
import { mapRows } from '../../../domain/schema/table-entity.ts';
import { trustFeaturesSql } from '../queries.ts';
import type { ReadOptions } from '../read-options.ts';
import type { SilverReader } from '../silver-catalog.ts';
import type { SilverSource } from '../silver-source.ts';

export interface TrustFeatureReads {
  /**
   * The features of all accounts with these names. A name on two platforms has two rows, with the last processed one at the end; an unknown
   * name has none. If an account has several rows, the newest counts.
   */
  trustFeatures(ids: readonly string[], options?: ReadOptions): Promise<TrustFeatures[]>;
  /** The features of all accounts, page by page, ordered by name. */
  allTrustFeatures(options?: ReadOptions): AsyncGenerator<TrustFeatures[]>;
}

const TABLE = { tables: ['kol_trust_features'], columns: trustFeatureColumns } as const;

export function createTrustFeatureReads(silver: SilverReader): TrustFeatureReads {
  return {
    async trustFeatures(ids, options = {}) {
      if (ids.length === 0) return [];
      const query = { ...TABLE, sql: (source: SilverSource) => trustFeaturesSql(source, ids) };
      const rows = await silver.rows(query, options);
      return mapRows(rows, trustFeaturesFromRow, options.onRejected);
    },
    async *allTrustFeatures(options = {}) {
      const sql = (source: SilverSource) => `${trustFeaturesSql(source)} ORDER BY kol_id`;
      for await (const page of silver.pages({ ...TABLE, sql }, options))
        yield mapRows(page, trustFeaturesFromRow, options.onRejected);
    },
  };
}
