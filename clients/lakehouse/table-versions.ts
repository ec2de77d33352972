import { setTimeout as sleep } from 'node:timers/promises';
import DataLoader from 'dataloader';
import { silver as contract, silverTables, type SilverTable } from '../../domain/schema/silver-tables.ts';
import { abortable } from '../../domain/values/abortable.ts';
import { untilUnwanted } from '../../domain/values/until-unwanted.ts';
import { versionOfFiles, type TableVersion, type TableVersions } from '../../domain/warming/table-version.ts';
import { columnsSql, filesSql, snapshotSql } from './queries.ts';
import type { SilverCatalog } from './silver-catalog.ts';
import type { SilverSource } from './silver-source.ts';
import type { Trino } from './trino.ts';
import { translateVersionError } from './table-changed.ts';
import { literal } from './sql.ts';
import { TrinoQueryError } from './trino-errors.ts';

/** The query of a table starts this long after the first request, so that parts that start together share it. */
const WINDOW_MS = 25;
/** A list of files takes far less than a second. */
const TIMEOUT_SECONDS = 30;

/** Reads the current versions of tables. @param signal ends the wait, and also the queries if no other request waits for them */
export type ReadTableVersions = (
  tables: readonly SilverTable[],
  signal?: AbortSignal,
) => Promise<TableVersions>;

/** A table may change its kind and still answer the query of the old kind. The change is then noticed after this time. */
const KIND_KEPT_MS = 3_600_000;

const UNKNOWN: TableVersion = { kind: 'unknown' };

/** Two ways to read the current versions of tables. */
interface VersionReads {
  /** For reads of these versions. Concurrent requests share one query for each table, and no answer is older than its request. */
  readonly tableVersions: ReadTableVersions;
  /** For comparison with other versions, in one query. Does not check that a snapshot has the current columns. */
  readonly comparedVersions: ReadTableVersions;
}

/** How to read the version of a kind of table. */
interface VersionReader {
  readonly sql: (source: SilverSource, table: SilverTable) => string;
  readonly columns: readonly string[];
  /** The temporary error of a table of another kind. */
  readonly refusal: string;
  /** @returns undefined for a table that has no such version */
  readonly versionOf: (
    rows: readonly VersionRow[],
    source: SilverSource,
    table: SilverTable,
  ) => TableVersion | undefined;
}
type VersionRow = readonly (string | null)[];

const bySnapshot: VersionReader = {
  sql: snapshotSql,
  columns: ['snapshot_id', 'since'],
  refusal: 'TABLE_NOT_FOUND', // the metadata table
  versionOf([row]) {
    const [id, since] = row ?? [];
    return id == null ? undefined : { kind: 'snapshot', id, since: since ?? '' };
  },
};

const byFiles: VersionReader = {
  sql: filesSql,
  columns: ['path', 'bytes', 'modified_ms'],
  refusal: 'COLUMN_NOT_FOUND', // the columns with path, size and time of a file
  versionOf: (rows, source, table) =>
    versionOfFiles(
      rows.map(([path, bytes, modifiedMs]) => ({
        path: path ?? '',
        bytes: bytes ?? '',
        modifiedMs: Number(modifiedMs),
      })),
      source.declaration(table),
    ),
};

/**
 * The only place that reads versions of tables. The version of an Iceberg table is its snapshot, that of a Hive table its list of files;
 * other kinds have none.
 */
export function createVersionReads(trino: Trino, silver: SilverCatalog): VersionReads {
  /** The last check of each table: whether its snapshot has the current columns. */
  const checks = new Map<SilverTable, { readonly sql: string; readonly fits: boolean }>();

  /** The time since which a table is known to have only a list of files. Trino refuses the snapshot of such a table. */
  const knownByFiles = new Map<SilverTable, number>();

  const rows = (sql: string, columns: readonly string[], signal: AbortSignal | undefined) =>
    trino.rows(sql, { columns, signal, timeoutSeconds: TIMEOUT_SECONDS });

  const readerOf = (table: SilverTable): VersionReader =>
    performance.now() - (knownByFiles.get(table) ?? -Infinity) < KIND_KEPT_MS ? byFiles : bySnapshot;

  function noteReader(table: SilverTable, reader: VersionReader): void {
    if (reader === bySnapshot) knownByFiles.delete(table);
    else if (readerOf(table) === bySnapshot) knownByFiles.set(table, performance.now());
  }

  /** A change of columns alone creates no snapshot, so the last snapshot may lack columns of the current table. */
  async function hasCurrentColumns(
    table: SilverTable,
    version: TableVersion,
    signal: AbortSignal,
  ): Promise<boolean> {
    const sql = columnsSql(await silver.source({ [table]: version }, [], signal), table);
    const last = checks.get(table);
    if (last?.sql === sql) return last.fits;
    const columns = rows(sql, Object.keys(contract[table]), signal).catch((error: unknown) => {
      throw translateVersionError(error, [table], { [table]: version });
    });
    const fits = (await unlessRefused(columns, 'COLUMN_NOT_FOUND')) !== undefined;
    checks.set(table, { sql, fits });
    return fits;
  }

  async function readVersion(table: SilverTable, signal: AbortSignal): Promise<TableVersion> {
    const source = await silver.source({}, [], signal);
    for (const reader of readerOf(table) === byFiles ? [byFiles, bySnapshot] : [bySnapshot, byFiles]) {
      const found = await unlessRefused(
        rows(reader.sql(source, table), reader.columns, signal),
        reader.refusal,
      );
      const version = found && reader.versionOf(found, source, table);
      if (version === undefined) continue;
      noteReader(table, reader);
      const isReadable = reader === byFiles || (await hasCurrentColumns(table, version, signal));
      return isReadable ? version : UNKNOWN;
    }
    return UNKNOWN;
  }

  const tableVersions = shareRequests(readVersion);
  return {
    tableVersions,
    async comparedVersions(tables, signal) {
      const source = await silver.source({}, [], signal);
      // First with the last known kinds, then all by files, because a new process does not know which tables are Hive tables.
      for (const reader of [readerOf, () => byFiles]) {
        const readers = tables.map((table) => [table, reader(table)] as const);
        const found = await unlessRefused(
          rows(allVersionsSql(source, readers), ['name', 'a', 'b', 'c'], signal),
          ...[bySnapshot.refusal, byFiles.refusal],
        );
        const versions = found && versionsOf(found, source, readers);
        if (versions === undefined) continue;
        for (const [table, known] of readers) noteReader(table, known);
        return versions;
      }
      return tableVersions(tables, signal);
    },
  };
}

type TableReader = readonly [table: SilverTable, reader: VersionReader];

/** The versions of these tables in one query: rows of different readers have the same columns. */
const allVersionsSql = (source: SilverSource, readers: readonly TableReader[]): string =>
  readers
    .map(([table, { sql, columns }]) => {
      const cells = [0, 1, 2].map((index) => columns[index] ?? 'CAST(NULL AS VARCHAR)');
      return `SELECT ${literal(table)} AS name, ${cells.map((cell, index) => `${cell} AS ${'abc'[index]}`).join(', ')} FROM (${sql(source, table)})`;
    })
    .join(' UNION ALL ');

/** @returns undefined when a table has no version of its kind */
function versionsOf(
  rows: readonly VersionRow[],
  source: SilverSource,
  readers: readonly TableReader[],
): TableVersions | undefined {
  const versions: Partial<Record<SilverTable, TableVersion>> = {};
  for (const [table, { versionOf }] of readers) {
    const own = rows.filter(([name]) => name === table).map(([, ...cells]) => cells);
    const version = versionOf(own, source, table);
    if (version === undefined) return undefined;
    versions[table] = version;
  }
  return versions;
}

interface Request {
  readonly signal: AbortSignal | undefined;
}

/**
 * Requests that start together share the query of a table. It is cancelled when the signals of all of them have aborted. A slow table does
 * not delay others.
 */
function shareRequests(
  readVersion: (table: SilverTable, signal: AbortSignal) => Promise<TableVersion>,
): ReadTableVersions {
  const loaderOf = (table: SilverTable) =>
    new DataLoader<Request, TableVersion>(
      async (requests) => {
        const signals = requests.map(({ signal }) => signal);
        const version = await untilUnwanted(signals, (signal) => readVersion(table, signal));
        return requests.map(() => version);
      },
      { cache: false, batchScheduleFn: (run) => void sleep(WINDOW_MS).then(run) },
    );
  const loaders = new Map(silverTables.map((table) => [table, loaderOf(table)]));

  return (tables, signal) =>
    abortable([signal], async () => {
      const versions = tables.map(
        async (table) => [table, (await loaders.get(table)?.load({ signal })) ?? UNKNOWN] as const,
      );
      return Object.fromEntries(await Promise.all(versions));
    });
}

/**
 * @param refusals errors that show that the table is of another kind. Other temporary errors are thrown, for example for a table that is
 *   missing for a moment
 * @returns undefined when Trino refuses the query itself
 */
async function unlessRefused<T>(query: Promise<T>, ...refusals: readonly string[]): Promise<T | undefined> {
  try {
    return await query;
  } catch (error) {
    if (error instanceof TrinoQueryError && (!error.retryable || refusals.includes(error.errorName)))
      return undefined;
    throw error;
  }
}
