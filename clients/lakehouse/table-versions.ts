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
import { TrinoQueryError } from './trino-errors.ts';

/** Parts that start together share the queries: the query of a table starts this long after the first request. */
const WINDOW_MS = 25;
/** A list of files takes far less than a second. */
const TIMEOUT_SECONDS = 30;

/** Reads the current versions of tables. @param signal ends the wait, and the queries when nobody else waits for them */
export type ReadTableVersions = (
  tables: readonly SilverTable[],
  signal?: AbortSignal,
) => Promise<TableVersions>;

/** A table may change its kind and still answer the query of the other one: then it is noticed after this time. */
const KIND_KEPT_MS = 3_600_000;

const UNKNOWN: TableVersion = { kind: 'unknown' };

/**
 * The one place that knows how each kind of table tells its version: Iceberg by its snapshot, Hive by its list of files, others not
 * at all. Concurrent requests share one query for each table, and no answer is older than its request.
 */
export function createReadTableVersions(trino: Trino, silver: SilverCatalog): ReadTableVersions {
  /** The last check of each table: whether its snapshot has the current columns. */
  const checks = new Map<SilverTable, { readonly sql: string; readonly fits: boolean }>();

  /** When the files of a table were asked for first, because it answered nothing else. Trino refuses the snapshot of such a table. */
  const knownByFiles = new Map<SilverTable, number>();

  const rows = (sql: string, columns: readonly string[], signal: AbortSignal) =>
    trino.rows(sql, { columns, signal, timeoutSeconds: TIMEOUT_SECONDS });

  /** @returns undefined unless it is an Iceberg table with a snapshot */
  async function readSnapshot(
    source: SilverSource,
    table: SilverTable,
    signal: AbortSignal,
  ): Promise<TableVersion | undefined> {
    const [[id, since] = []] =
      (await unlessRefused(
        rows(snapshotSql(source, table), ['snapshot_id', 'since'], signal),
        'TABLE_NOT_FOUND', // the metadata table
      )) ?? [];
    if (id == null) return undefined;
    const version: TableVersion = { kind: 'snapshot', id, since: since ?? '' };
    return (await hasCurrentColumns(table, version, signal)) ? version : UNKNOWN;
  }

  /** A change of the columns alone makes no snapshot: the last one then lacks columns that a read of today's table has. */
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

  async function readFiles(
    source: SilverSource,
    table: SilverTable,
    signal: AbortSignal,
  ): Promise<TableVersion | undefined> {
    const found = await unlessRefused(
      rows(filesSql(source, table), ['path', 'bytes', 'modified_ms'], signal),
      'COLUMN_NOT_FOUND', // the columns with path, size and time of a file
    );
    return (
      found &&
      versionOfFiles(
        found.map(([path, bytes, modifiedMs]) => ({
          path: path ?? '',
          bytes: bytes ?? '',
          modifiedMs: Number(modifiedMs),
        })),
        source.declaration(table),
      )
    );
  }

  async function readVersion(table: SilverTable, signal: AbortSignal): Promise<TableVersion> {
    const source = await silver.source({}, [], signal);
    const isByFiles = performance.now() - (knownByFiles.get(table) ?? -Infinity) < KIND_KEPT_MS;
    for (const read of isByFiles ? [readFiles, readSnapshot] : [readSnapshot, readFiles]) {
      const version = await read(source, table, signal);
      if (version === undefined) continue;
      if (read === readSnapshot) knownByFiles.delete(table);
      else if (!isByFiles) knownByFiles.set(table, performance.now());
      return version;
    }
    return UNKNOWN;
  }

  return shareRequests(readVersion);
}

interface Request {
  readonly signal: AbortSignal | undefined;
}

/** Lets requests that start together share the query of a table, which ends when the signals of all of them have aborted. A slow table delays no other. */
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
 * @param refusal error of a table that lacks what the query names. Another passing error is thrown: a table that is missing for a moment is
 *   not of another kind
 * @returns undefined when Trino refuses the query itself
 */
async function unlessRefused<T>(query: Promise<T>, refusal: string): Promise<T | undefined> {
  try {
    return await query;
  } catch (error) {
    if (error instanceof TrinoQueryError && (!error.retryable || error.errorName === refusal))
      return undefined;
    throw error;
  }
}
