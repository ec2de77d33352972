import { versionTexts, type TableVersions } from '../../domain/warming/table-version.ts';
import { repeatedIdsSql } from './queries.ts';
import type { CountedTable, SilverSource } from './silver-source.ts';
import type { Trino } from './trino.ts';

/** A reader without a version uses an answer of this age (ms). */
const MAX_AGE_MS = 60_000;

interface Check {
  /** Version of the table as text; null when it is unknown. */
  readonly version: string | null;
  readonly checkedAt: number;
  readonly repeats: Promise<boolean>;
}

/** Of these tables, those that have several rows of an id. */
export type FindRepeatedIds = (
  source: SilverSource,
  tables: readonly CountedTable[],
  versions: TableVersions,
) => Promise<ReadonlySet<CountedTable>>;

/**
 * Finds out whether ids repeat, once for each version of a table: to keep the newest row of each id makes a query up to five times as
 * long, and most tables have one row of each.
 */
export function createFindRepeatedIds(trino: Trino): FindRepeatedIds {
  const checks = new Map<CountedTable, Check>();

  async function count(source: SilverSource, table: CountedTable): Promise<boolean> {
    const [row] = await trino.rows(repeatedIdsSql(source, table), { columns: ['repeats'] });
    return row?.[0] !== '0';
  }

  function hasRepeats(source: SilverSource, table: CountedTable, versions: TableVersions): Promise<boolean> {
    const version = versionTexts(versions)[table];
    const last = checks.get(table);
    if (last !== undefined && isValid(last, version)) return last.repeats;
    const check = { version: version ?? null, checkedAt: Date.now(), repeats: count(source, table) };
    checks.set(table, check);
    check.repeats.catch(() => checks.delete(table)); // the next read asks again
    return check.repeats;
  }

  return async (source, tables, versions) => {
    const repeated = await Promise.all(tables.map((table) => hasRepeats(source, table, versions)));
    return new Set(tables.filter((_, index) => repeated[index]));
  };
}

/** @param version undefined for a reader that takes any version, null for a version that is unknown */
const isValid = (last: Check, version: string | null | undefined): boolean =>
  version === undefined
    ? Date.now() - last.checkedAt < MAX_AGE_MS
    : version !== null && version === last.version;
