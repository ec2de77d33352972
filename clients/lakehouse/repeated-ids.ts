import type { TableVersions } from '../../domain/warming/table-version.ts';
import { repeatedIdsSql } from './queries.ts';
import type { CountedTable, SilverSource } from './silver-source.ts';
import type { Trino } from './trino.ts';
import { createVersionMemo } from './version-memo.ts';

/** A reader without a version uses an answer of this age (ms). */
const MAX_AGE_MS = 60_000;

/** Returns those of the tables that have several rows of an id. */
export type FindRepeatedIds = (
  source: SilverSource,
  tables: readonly CountedTable[],
  versions: TableVersions,
  signal: AbortSignal | undefined,
) => Promise<ReadonlySet<CountedTable>>;

/**
 * Finds out whether ids repeat, once for each version of a table. Keeping only the newest row of each id makes a query up to five times as
 * long, and most tables have one row of each id.
 */
export function createFindRepeatedIds(trino: Trino): FindRepeatedIds {
  const checks = createVersionMemo<boolean>({ maxAgeMs: MAX_AGE_MS });

  async function repeats(
    source: SilverSource,
    table: CountedTable,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const [row] = await trino.rows(repeatedIdsSql(source, table), { columns: ['repeats'], signal });
    return row?.[0] !== '0';
  }

  return async (source, tables, versions, signal) => {
    const repeated = await Promise.all(
      tables.map((table) => checks.of(table, versions, (shared) => repeats(source, table, shared), signal)),
    );
    return new Set(tables.filter((_, index) => repeated[index]));
  };
}
