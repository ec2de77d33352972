import type { SilverTable } from '../schema/silver-tables.ts';
import { fingerprint } from '../values/fingerprint.ts';

/** The state of a table at one time. */
export type TableVersion =
  /**
   * An Iceberg table: this snapshot can be read as long as it is kept. `id` is a decimal number beyond 2^53. `since` is when it became the
   * current one: it differs after a rollback to this id, because readers may have cached rows of another snapshot in between.
   */
  | { readonly kind: 'snapshot'; readonly id: string; readonly since: string }
  /** A Hive table: these files, read with these columns. A writer may replace them at any time. `newestMs` is null when there are none. */
  | { readonly kind: 'files'; readonly fingerprint: string; readonly newestMs: number | null }
  /** A view, or a table whose versions cannot be read. It counts as changed. */
  | { readonly kind: 'unknown' };

export type TableVersions = Readonly<Partial<Record<SilverTable, TableVersion>>>;

/** A data file of a Hive table. */
export interface DataFile {
  readonly path: string;
  readonly bytes: string;
  /** Milliseconds since 1970, by the clock of the storage. */
  readonly modifiedMs: number;
}

/**
 * The version of a Hive table with these files, in any order.
 * @param columns names and types that the table declares: they decide how a file is read
 */
export const versionOfFiles = (files: readonly DataFile[], columns: string): TableVersion => ({
  kind: 'files',
  fingerprint: fingerprint(
    JSON.stringify([
      columns,
      ...files.map(({ path, bytes, modifiedMs }) => [path, bytes, modifiedMs].join('\n')).sort(),
    ]),
  ),
  newestMs: files.length === 0 ? null : Math.max(...files.map(({ modifiedMs }) => modifiedMs)),
});

/** Versions as texts to store and compare; null for a table whose version is unknown. */
export const versionTexts = (versions: TableVersions): Record<string, string | null> =>
  Object.fromEntries(Object.entries(versions).map(([table, version]) => [table, textOf(version)]));

const FILES = 'files ';

function textOf(version: TableVersion): string | null {
  if (version.kind === 'unknown') return null;
  return version.kind === 'snapshot'
    ? `snapshot ${version.id} since ${version.since}`
    : `${FILES}${version.fingerprint}`;
}

/**
 * Whether one of these versions is a list of files. A table can return to such a version when files are added and removed again; rows that
 * were read in between are of another version.
 */
export const mayComeBack = (texts: Readonly<Record<string, string | null>>): boolean =>
  Object.values(texts).some((text) => text?.startsWith(FILES) === true);

/** The tables whose files a writer can replace during a read: those whose version is a list of files. */
export const mutableTables = (versions: TableVersions): SilverTable[] =>
  tablesOf(versions).filter((table) => versions[table]?.kind === 'files');

/**
 * Whether the versions of all tables are known. If not (for example for a view), a load may write during the read. Rows that the read did
 * not find may still arrive, so they must stay in the cache until they expire.
 */
export const areKnown = (versions: TableVersions): boolean =>
  Object.values(versions).every(({ kind }) => kind !== 'unknown');

/** The file tables that have changed. A snapshot stays readable, so a newer one is not a change. */
export const changedTables = (read: TableVersions, now: TableVersions): SilverTable[] => {
  const [before, after] = [versionTexts(read), versionTexts(now)];
  return mutableTables(read).filter((table) => before[table] !== after[table]);
};

/**
 * How long to wait (ms) until every file table has probably finished its load: it has files, and the newest is older than the settle time.
 * 0 when there is nothing to wait for.
 */
export function msUntilSettled(versions: TableVersions, settleMs: number, nowMs: number): number {
  const waits = Object.values(versions).map((version) =>
    version.kind === 'files' ? (version.newestMs ?? nowMs) + settleMs - nowMs : 0,
  );
  return Math.max(0, ...waits);
}

/** The result of a listing of the files of tables. */
export interface SeenVersions {
  /** The versions as texts. */
  readonly versions: Readonly<Record<string, string | null>>;
  /** When it ended, or later: milliseconds since 1970. */
  readonly atMs: number;
}

/**
 * Whether a table of files has changed since an earlier listing without a newer file, so it lost some. A deletion has no time, so only a
 * second listing shows whether the load still deletes files.
 */
export function hasLostFiles(versions: TableVersions, seen: SeenVersions | null): boolean {
  if (seen === null) return false;
  const texts = versionTexts(versions);
  return mutableTables(versions).some(
    (table) =>
      texts[table] !== seen.versions[table] && changedAtMs({ [table]: versions[table] }) <= seen.atMs,
  );
}

/** The time of the last change of these tables, in ms since 1970; Infinity if a version has no time. */
export const changedAtMs = (versions: TableVersions): number =>
  Math.max(
    ...Object.values(versions).map((version) => {
      if (version.kind === 'snapshot') return Date.parse(version.since);
      return version.kind === 'files' ? (version.newestMs ?? Infinity) : Infinity;
    }),
  );

/** The clocks of the nodes of Redis, of the storage and of a process may differ by this. */
export const CLOCKS_DIFFER_MS = 5000;

/** Whether the tables certainly had these versions at a time. Unknown for file tables, because a deleted file leaves no trace. */
export const hadVersions = (versions: TableVersions, timeMs: number): boolean =>
  mutableTables(versions).length === 0 && changedAtMs(versions) < timeMs - CLOCKS_DIFFER_MS;

const tablesOf = (versions: TableVersions) => Object.keys(versions) as SilverTable[];
