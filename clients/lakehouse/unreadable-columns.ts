import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { id, type Fields } from '../../domain/schema/field.ts';
import { silver, type SilverTable } from '../../domain/schema/silver-tables.ts';
import { versionTexts, type TableVersions } from '../../domain/warming/table-version.ts';
import { countKnownSql } from './queries.ts';
import type { SilverSource, UnreadableColumn } from './silver-source.ts';
import type { Trino } from './trino.ts';
import { BAD_DATA, TrinoQueryError, UnreadableIdError } from './trino-errors.ts';

export interface UnreadableColumns {
  /**
   * The recently found columns of this version of a table; without a version, those of the last check.
   * @param declaration names and types of the columns: after a correction, the same files may be readable
   */
  known(table: SilverTable, declaration: string, versions: TableVersions): readonly UnreadableColumn[];
  /**
   * Finds the columns that made a read fail: reads each column of its tables alone.
   * @param source includes columns that are known to be unreadable
   * @returns whether there are any
   * @throws UnreadableIdError when the id of a table cannot be read; TrinoQueryError or TrinoUnavailableError when a column cannot be
   *   checked
   */
  find(
    error: unknown,
    source: SilverSource,
    tables: readonly SilverTable[],
    versions: TableVersions,
  ): Promise<boolean>;
}

/**
 * Maximum age of a result (ms). Then the column is read again: without a version it may have been repaired, and the result for a version
 * may be wrong.
 */
const MAX_AGE_MS = { ofVersion: 1_800_000, ofNoVersion: 300_000 };
/** A check reads whole columns, so it must not use all of Trino. */
const CONCURRENT_CHECKS = 4;
/** A file holds another type than the table declares. */
const OTHER_TYPE = 'NOT_SUPPORTED';
/** Trino's errors for a damaged page of a file, but also for slow storage and for faults of Trino. */
const PERHAPS_DAMAGED = /^(?:GENERIC_INTERNAL_ERROR|(?:HIVE|ICEBERG)_CURSOR_ERROR)$/;
/** Pauses between repeated checks. A storage fault usually ends sooner. */
const PAUSES_MS: readonly number[] = [1_000, 4_000];

interface Check {
  /** Version of the table as text; null when it is unknown. */
  readonly version: string | null;
  readonly declaration: string;
  readonly checkedAt: number;
  readonly columns: readonly UnreadableColumn[];
}

/**
 * Stores the unreadable columns of the last checked version of each table.
 * @param pausesMs a column counts as damaged when its check fails again after each of these times (ms)
 */
export function createUnreadableColumns(trino: Trino, pausesMs = PAUSES_MS): UnreadableColumns {
  const found = new Map<SilverTable, Check>();
  const running = new Map<string, Promise<boolean>>();
  const limit = pLimit(CONCURRENT_CHECKS);

  /** @returns the error of a column that cannot be read */
  async function checkColumn(sql: string): Promise<TrinoQueryError | undefined> {
    let failure = await failureOf(sql);
    for (const pauseMs of pausesMs) {
      if (failure === undefined || !isPerhapsDamaged({ failure })) break;
      await sleep(pauseMs);
      failure = await failureOf(sql);
    }
    return failure;
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
    const declaration = source.declaration(table);
    const results = await Promise.all(
      names.map(async (column) => {
        const failure = await checkColumn(countKnownSql(source, table, column));
        return failure === undefined ? [] : [{ column, failure }];
      }),
    );
    const failures = results.flat();
    // if no column can be read, the storage may be down: let the caller retry
    if (failures.length === names.length && failures.some(isPerhapsDamaged)) return false;
    const ofId = failures.find(({ column }) => isId(table, column));
    if (ofId !== undefined) throw new UnreadableIdError(ofId.failure);
    const columns = failures.map(({ column, failure: { reason } }) => ({ table, column, reason }));
    if (columns.length > 0) found.set(table, { version, declaration, checkedAt: Date.now(), columns });
    return columns.length > 0;
  }

  /** Reads that fail at the same time share a check. */
  function shareCheck(source: SilverSource, table: SilverTable, version: string | null): Promise<boolean> {
    const key = `${table} ${version} ${source.declaration(table)}`;
    const shared = running.get(key) ?? check(source, table, version).finally(() => running.delete(key));
    running.set(key, shared);
    return shared;
  }

  return {
    known(table, declaration, versions) {
      const last = found.get(table);
      if (last === undefined || last.declaration !== declaration) return [];
      const version = versionTexts(versions)[table];
      if (isValid(last, version)) return last.columns;
      // another version may have readable files
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

/** A missing file (HIVE_CANNOT_OPEN_SPLIT) is not such an error: a load may be replacing the files. */
const isCausedByContent = (error: unknown): error is TrinoQueryError =>
  error instanceof TrinoQueryError &&
  (error.errorName === OTHER_TYPE || BAD_DATA.test(error.errorName) || PERHAPS_DAMAGED.test(error.errorName));

const isPerhapsDamaged = ({ failure }: { readonly failure: TrinoQueryError }): boolean =>
  PERHAPS_DAMAGED.test(failure.errorName);

const isId = (table: SilverTable, column: string): boolean =>
  (silver[table] as Readonly<Record<string, { readonly field: Fields[string] }>>)[column]?.field === id;

/** @param version undefined for a reader that takes any version, null for a version that is unknown */
function isValid({ checkedAt, version: checked }: Check, version: string | null | undefined): boolean {
  const ageMs = Date.now() - checkedAt;
  if (version == null) return ageMs < MAX_AGE_MS.ofNoVersion;
  return version === checked && ageMs < MAX_AGE_MS.ofVersion;
}
