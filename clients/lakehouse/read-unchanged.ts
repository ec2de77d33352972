import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import { changedTables, type TableVersions } from '../../domain/warming/table-version.ts';
import type { ReadTableVersions } from './table-versions.ts';

/**
 * Reads one version of a table: a snapshot by its id, or the current files.
 * @throws after the last page, if the files changed during the read: rows may be missing
 */
export async function* readUnchanged<T>(
  table: SilverTable,
  readVersions: ReadTableVersions,
  read: (versions: TableVersions) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const versions = await readVersions([table]);
  yield* read(versions);
  if (changedTables(versions, await readVersions([table])).length > 0)
    throw new Error(`the files of ${table} changed while they were read`);
}
