import type { DataFile } from './table-version.ts';

/** Files of a table that a warm remembers, and reads one by one, at most. Their paths are part of a query. */
export const MAX_FILES = 500;

/** The data files of one version of a table. */
export interface FileList {
  /** The version as text. */
  readonly version: string;
  /** What decides how a row is read: expressions and schema of the columns. It is only compared. */
  readonly columns: string;
  readonly files: readonly DataFile[];
}

/** The files whose rows are in the cache. */
export interface CachedFiles extends FileList {
  /** Some id has several rows. When a file is gone, one of the other files may hold the row that counts now. */
  readonly idsRepeat: boolean;
}

/** What a warm has to read of a table. */
export type TableRead =
  /** Only the rows of these files. If files are gone, all ids are to be read too, to find the rows that went with them. */
  | { readonly kind: 'files'; readonly paths: readonly string[]; readonly filesAreGone: boolean }
  /** All rows, for this reason. */
  | { readonly kind: 'all'; readonly reason: string };

/**
 * Decides what to read of a table whose version changed. Rows of a file that was there before are in the cache as they are.
 * @param cached the files whose rows are in the cache; null when nobody knows them
 * @param maxShare the share of the table, 0 to 1, that new files may hold. If they hold more, a read of all rows is as good
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

const readAll = (reason: string): TableRead => ({ kind: 'all', reason });

/** Files that the other list does not have. A path whose file was written again is another file. */
function filesWithout(files: readonly DataFile[], others: readonly DataFile[]): DataFile[] {
  const known = new Set(others.map(identityOf));
  return files.filter((file) => !known.has(identityOf(file)));
}

const identityOf = ({ path, bytes, modifiedMs }: DataFile) => [path, bytes, modifiedMs].join('\n');

const bytesOf = (files: readonly DataFile[]) => files.reduce((sum, { bytes }) => sum + Number(bytes), 0);
