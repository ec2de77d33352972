import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import { TrinoQueryError } from './trino-errors.ts';

/** A version of a table can no longer be read. Rows that were read from it must not remove anything from the cache. */
export class TableChangedError extends Error {
  readonly code = 'TABLE_CHANGED';
  constructor(
    readonly tables: readonly string[],
    options?: ErrorOptions,
  ) {
    super(`${tables.join(' and ')} changed while the warm read it`, options);
    this.name = 'TableChangedError';
  }
}

/**
 * Trino's message when an Iceberg table was dropped and created again, or its old snapshots were removed. The error name is
 * INVALID_ARGUMENTS.
 */
const SNAPSHOT_GONE = /Iceberg snapshot ID does not exist/;

/** @returns TableChangedError for a snapshot that is gone, any other error unchanged */
export function translateVersionError(
  error: unknown,
  tables: readonly SilverTable[],
  versions: TableVersions = {},
): unknown {
  if (!(error instanceof TrinoQueryError && SNAPSHOT_GONE.test(error.words))) return error;
  const pinned = tables.filter((table) => versions[table]?.kind === 'snapshot');
  return new TableChangedError(pinned, { cause: error });
}
