import pLimit from 'p-limit';
import { id, type Fields } from '../../domain/schema/field.ts';
import { silver, type SilverTable } from '../../domain/schema/silver-tables.ts';
import { versionTexts, type TableVersions } from '../../domain/warming/table-version.ts';
import { countKnownSql } from './queries.ts';
import type { SilverSource, UnreadableColumn } from './silver-source.ts';
import type { Trino } from './trino.ts';
import { DAMAGED_FILE, TrinoQueryError } from './trino-errors.ts';

export interface UnreadableColumns {
  /** The tables of which a version has such columns. */
  readonly found: ReadonlyMap<SilverTable, unknown>;
  /** The columns of this version of a table. Without a version, those that were found a short time ago. */
  known(table: SilverTable, versions: TableVersions): readonly UnreadableColumn[];
  /**
   * Finds the columns that made a read fail: reads each column of its tables alone. Columns of a table whose id cannot be read do not count.
   * @param source names every column, also those that are known to be unreadable
   * @returns whether there are any
   * @throws TrinoQueryError or TrinoUnavailableError when a column cannot be checked
   */
  find(
    error: unknown,
    source: SilverSource,
    tables: readonly SilverTable[],
    versions: TableVersions,
  ): Promise<boolean>;
}

/** A reader without a version uses an answer of this age (ms), then reads the column again: it may be repaired. */
const MAX_AGE_MS = 300_000;
/** A check reads whole columns: it must not take all of Trino. */
const CONCURRENT_CHECKS = 4;
/** A file holds another type than the table declares. */
const OTHER_TYPE = 'NOT_SUPPORTED';
/** What Trino calls a damaged page of a file, but also its own faults, which pass. */
const PERHAPS_CAUSED_BY_CONTENT = 'GENERIC_INTERNAL_ERROR';

interface Check {
  /** Version of the table as text; null when it is unknown. */
  readonly version: string | null;
  readonly checkedAt: number;
  readonly columns: readonly UnreadableColumn[];
}

/** Remembers, for the last version of each table that was checked, the columns that cannot be read. */
export function createUnreadableColumns(trino: Trino): UnreadableColumns {
  const found = new Map<SilverTable, Check>();
  const running = new Map<string, Promise<boolean>>();
  const limit = pLimit(CONCURRENT_CHECKS);

  async function checkColumn(
    source: SilverSource,
    table: SilverTable,
    column: string,
  ): Promise<UnreadableColumn[]> {
    const sql = countKnownSql(source, table, column);
    let failure = await failureOf(sql);
    if (failure?.errorName === PERHAPS_CAUSED_BY_CONTENT) failure = await failureOf(sql);
    return failure === undefined ? [] : [{ table, column, reason: failure.reason }];
  }

  /** @returns undefined when the column can be read */
  async function failureOf(sql: string): Promise<TrinoQueryError | undefined> {
    try {
      await limit(() => trino.rows(sql, { columns: ['known'] }));
      return undefined;
    } catch (error) {
      if (!isCausedByContent(error)) throw error;
      return error;
    }
  }

  async function check(source: SilverSource, table: SilverTable, version: string | null): Promise<boolean> {
    const names = Object.keys(silver[table]);
    const results = await Promise.all(names.map((column) => checkColumn(source, table, column)));
    const columns = results.flat();
    if (columns.length === 0 || columns.some(isId)) return false;
    found.set(table, { version, checkedAt: Date.now(), columns });
    return true;
  }

  /** Reads that fail at the same time share a check. */
  function shareCheck(source: SilverSource, table: SilverTable, version: string | null): Promise<boolean> {
    const key = `${table} ${version}`;
    const shared = running.get(key) ?? check(source, table, version).finally(() => running.delete(key));
    running.set(key, shared);
    return shared;
  }

  return {
    found,
    known(table, versions) {
      const last = found.get(table);
      if (last === undefined) return [];
      const version = versionTexts(versions)[table];
      if (isValid(last, version)) return last.columns;
      // Another version: its files may be readable.
      if (version !== undefined) found.delete(table);
      return [];
    },
    async find(error, source, tables, versions) {
      if (!isCausedByContent(error)) return false;
      const texts = versionTexts(versions);
      const results = await Promise.all(
        tables.map((table) => shareCheck(source, table, texts[table] ?? null)),
      );
      return results.includes(true);
    },
  };
}

/** A file that is missing is no such error (HIVE_CANNOT_OPEN_SPLIT): a load replaces files under the reader. */
const isCausedByContent = (error: unknown): error is TrinoQueryError =>
  error instanceof TrinoQueryError &&
  (DAMAGED_FILE.test(error.errorName) || [OTHER_TYPE, PERHAPS_CAUSED_BY_CONTENT].includes(error.errorName));

const isId = ({ table, column }: UnreadableColumn): boolean =>
  (silver[table] as Readonly<Record<string, { readonly field: Fields[string] }>>)[column]?.field === id;

/** @param version undefined for a reader that takes any version, null for a version that is unknown */
const isValid = ({ checkedAt, version: checked }: Check, version: string | null | undefined): boolean =>
  version == null ? Date.now() - checkedAt < MAX_AGE_MS : version === checked;
