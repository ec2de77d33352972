import type { Fields } from '../../domain/schema/field.ts';
import type { Row, TableEntity } from '../../domain/schema/table-entity.ts';
import { MAX_FILES, type FileList } from '../../domain/warming/changed-files.ts';
import {
  versionOfFiles,
  versionTexts,
  type DataFile,
  type TableVersions,
} from '../../domain/warming/table-version.ts';
import { fingerprint } from '../../domain/values/fingerprint.ts';
import { filesSql, snapshotFilesSql, snapshotSql } from './queries.ts';
import type { ReadOptions } from './read-options.ts';
import type { SilverCatalog } from './silver-catalog.ts';
import type { Trino } from './trino.ts';

/** The files of a version, or the reason why there is no list or the list does not determine the rows (delete files). */
type ListedFiles = { readonly list: FileList } | { readonly unlisted: string };

/** Lists the data files of the version of an entity's table. */
export type ListDataFiles = (
  entity: Pick<TableEntity<Fields>, 'table' | 'columns'>,
  versions: TableVersions,
  options?: Pick<ReadOptions, 'signal'>,
) => Promise<ListedFiles>;

type Table = TableEntity<Fields>['table'];

const CHANGED = { unlisted: 'the table changed while its files were listed' };

/**
 * Iceberg lists only the files of the current snapshot, so this must be the wanted version before and after the list is read. For Hive, the
 * version is the list of files.
 */
export function createListDataFiles(trino: Trino, silver: SilverCatalog): ListDataFiles {
  async function snapshotFiles(table: Table, id: string, signal?: AbortSignal) {
    const source = await silver.source({}, [], signal);
    const columns = ['content', 'path', 'bytes', 'schema_id'];
    // one more than allowed, to detect an excess
    const rows = await trino.rows(snapshotFilesSql(source, table, MAX_FILES + 1), { columns, signal });
    const [current] = await trino.rows(snapshotSql(source, table), {
      columns: ['snapshot_id', 'since'],
      signal,
    });
    if (current?.[0] !== id) return CHANGED;
    const deleteFiles = rows.filter(([content]) => content !== '0').length;
    if (deleteFiles > 0) return { unlisted: `${deleteFiles} delete files` };
    return {
      files: rows.map(([, path, bytes]) => fileOf([path ?? '', bytes ?? '', '0'])),
      schema: rows[0]?.[3] ?? '',
    };
  }

  async function hiveFiles(table: Table, version: string, signal?: AbortSignal) {
    const source = await silver.source({}, [], signal);
    const names = ['path', 'bytes', 'modified_ms'];
    const files = (await trino.rows(filesSql(source, table), { columns: names, signal })).map(fileOf);
    const columns = source.declaration(table);
    return versionTexts({ [table]: versionOfFiles(files, columns) })[table] === version
      ? { files, schema: columns }
      : CHANGED;
  }

  return async ({ table, columns }, versions, { signal } = {}) => {
    const version = versions[table];
    const text = versionTexts(versions)[table];
    if (version === undefined || version.kind === 'unknown' || text == null)
      return { unlisted: 'the version of the table is not known' };
    const found =
      version.kind === 'snapshot'
        ? await snapshotFiles(table, version.id, signal)
        : await hiveFiles(table, text, signal);
    if ('unlisted' in found) return found;
    if (found.files.length > MAX_FILES) return { unlisted: `more than ${MAX_FILES} files` };
    const select = (await silver.source(versions, [], signal)).select({ table, columns });
    return { list: { version: text, columns: fingerprint(`${found.schema} ${select}`), files: found.files } };
  };
}

const fileOf = ([path, bytes, modifiedMs]: Row): DataFile => ({
  path: path ?? '',
  bytes: bytes ?? '',
  modifiedMs: Number(modifiedMs),
});
