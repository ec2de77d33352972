import type { CacheEntry } from '../schema/entry.ts';
import type { SilverTable } from '../schema/silver-tables.ts';
import { BLOOM_FORMAT } from '../values/bloom-filter.ts';
import { versionTexts, type TableVersions } from '../warming/table-version.ts';

/**
 * cache:known-ids:{table}, internal: a Bloom filter of all ids of a table, and the version of the table. While the table has that
 * version, an id that the filter does not contain does not exist.
 */
export const knownIds = {
  name: 'known-ids',
  ttlSeconds: 1800,
  key: (table: string) => `cache:known-ids:${table}`,
  /** The format of the filter and the version of the table as text, which is only compared; null when the version is unknown. */
  versionOf(table: SilverTable, versions: TableVersions): string | null {
    const version = versionTexts(versions)[table] ?? null;
    return version === null ? null : `${BLOOM_FORMAT} ${version}`;
  },
  /** @param filter in base64 */
  toEntry: (table: SilverTable, version: string, filter: string): CacheEntry => ({
    key: knownIds.key(table),
    ttlSeconds: knownIds.ttlSeconds,
    type: 'hash',
    fields: { version, filter },
  }),
};
