import type { CacheEntry } from '../schema/entry.ts';
import type { SilverTable } from '../schema/silver-tables.ts';
import { BLOOM_FORMAT } from '../values/bloom-filter.ts';
import { versionTexts, type TableVersions } from '../warming/table-version.ts';
import { content } from './content.ts';
import type { PartMetadata } from './part-metadata.ts';
import { profile } from './profile.ts';

/** Ids that have a filter: a column of a table. */
export interface FilteredIds {
  readonly name: string;
  readonly table: SilverTable;
  readonly idColumn: string;
}

export const filteredIds = {
  profiles: { name: 'kol_profiles', table: profile.table, idColumn: profile.idColumn },
  contents: { name: 'kol_content', table: content.table, idColumn: content.idColumn },
  /** Needed because kol_profiles may lack the KOLs of some content. */
  contentOwners: { name: 'kol_content:kol_id', table: content.table, idColumn: 'kol_id' },
  /** A KOL without a row in this table has no lakehouse score, even if kol_profiles has it. */
  features: { name: 'kol_trust_features', table: 'kol_trust_features', idColumn: 'kol_id' },
} as const satisfies Record<string, FilteredIds>;

/** Versions, row counts and time of the last warm that read the tables. */
export type LastRead = Pick<PartMetadata, 'versions' | 'tableRows' | 'warmed_at'>;

/** Fields of a hash, as Redis returns them. */
type HashFields = Readonly<Partial<Record<'version' | 'rows' | 'warmed_at', string | null | undefined>>>;

/**
 * cache:known-ids:{name}, internal: a Bloom filter of all ids in a column of a table, and the version of the table. While the table has
 * that version, an id that is not in the filter does not exist.
 */
export const knownIds = {
  name: 'known-ids',
  ttlSeconds: 1800,
  key: (name: string) => `cache:known-ids:${name}`,
  /** The format of the filter and the version of the table as text, which is only compared; null when the version is unknown. */
  versionOf(table: SilverTable, versions: TableVersions): string | null {
    const version = versionTexts(versions)[table] ?? null;
    return version === null ? null : `${BLOOM_FORMAT} ${version}`;
  },
  /** The last read of the table; null for a hash without it. */
  lastRead(table: SilverTable, { version, rows, warmed_at }: HashFields): LastRead | null {
    const format = `${BLOOM_FORMAT} `;
    if (version?.startsWith(format) !== true || rows == null || warmed_at == null) return null;
    const versions = { [table]: version.slice(format.length) };
    return { versions, tableRows: { [table]: Number(rows) }, warmed_at };
  },
  /**
   * @param filter in base64
   * @param rows of the table
   */
  toEntry: (name: string, version: string, filter: string, rows: number, warmedAt: Date): CacheEntry => ({
    key: knownIds.key(name),
    ttlSeconds: knownIds.ttlSeconds,
    type: 'hash',
    fields: { version, filter, rows: String(rows), warmed_at: warmedAt.toISOString() },
  }),
};
