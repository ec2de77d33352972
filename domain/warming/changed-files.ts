import type { DataFile } from './table-version.ts';

/** Maximum number of files that a warm lists and reads. Their paths are part of a query. */
export const MAX_FILES = 500;

/** The data files of one version of a table. */
export interface FileList {
  /** The version as text. */
  readonly version: string;
  /** Expressions and schema of the columns, which decide how a row is read. Only compared. */
  readonly columns: string;
  readonly files: readonly DataFile[];
}

/** The files whose rows are in the cache. */
export interface CachedFiles extends FileList {
  /** Whether some ids have several rows. When a file is gone, another file may hold the row that is now the newest. */
  readonly idsRepeat: boolean;
}

/** The files or rows of a table that a warm must read. */
export type TableRead =
  /** Only the rows of these files. If files are gone, all ids must be read too, to find the removed rows. */
  | { readonly kind: 'files'; readonly paths: readonly string[]; readonly filesAreGone: boolean }
  /** All rows, for this reason. */
  | { readonly kind: 'all'; readonly reason: string };

/**
 * Decides what to read of a changed table. Rows of files that were already read are cached.
 * @param cached the files whose rows are in the cache; null if unknown
 * @param maxShare the share of the table, 0 to 1, that new files may hold. If they hold more, all rows are read
 */
export function chooseTableRead(cached: CachedFiles | null, now: FileList, maxShare: number): TableRead {
  if (cached === null) return readAll('the files of the last read are not known');
  if (cached.columns !== now.columns) return readAll('the columns have changed');
  const added = filesWithout(now.files, cached.files);
  const filesAreGone = filesWithout(cached.files, now.files).length > 0;
  if (filesAreGone && cached.idsRepeat) return readAll('files are gone, and some ids have several rows');
  if (bytesOf(added) > bytesOf(now.files) * maxShare)
    return readAll(`${added.length} of ${now.files.length} files are new, with too many rows`);
  return { kind: 'files', paths: added.map(({ path }) => path), filesAreGone };
}

/** Maximum share of a table, 0 to 1, that new files may hold: half of it, and the rows that can be written in a minute (0 for no limit). */
export const maxChangedShare = (rows: number, writesPerSecond: number): number =>
  writesPerSecond === 0 ? 0.5 : Math.min(0.5, (writesPerSecond * 60) / rows);

const readAll = (reason: string): TableRead => ({ kind: 'all', reason });

/** Files that are not in the other list. A path that was written again counts as another file. */
function filesWithout(files: readonly DataFile[], others: readonly DataFile[]): DataFile[] {
  const known = new Set(others.map(identityOf));
  return files.filter((file) => !known.has(identityOf(file)));
}

const identityOf = ({ path, bytes, modifiedMs }: DataFile) => [path, bytes, modifiedMs].join('\n');

const bytesOf = (files: readonly DataFile[]) => files.reduce((sum, { bytes }) => sum + Number(bytes), 0);
