import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetMetadata } from 'hyparquet';
import { lakehouseFolder } from '../../engines/definitions/trino.ts';
import { stackPaths, testStackFolder } from '../../engines/paths.ts';
import { testEngines } from './test-engines.ts';
import { queryColumn } from './trino.ts';

/** A copy of a Parquet file in which the values of one column are overwritten: Trino can read all columns but this one. */
export function damageColumn(file: Buffer, column: string): Buffer {
  const { buffer, byteOffset, byteLength } = file;
  const { row_groups: groups } = parquetMetadata(
    buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer,
  );
  const damaged = Buffer.from(file);
  for (const { columns } of groups) {
    const chunk = columns.find(({ meta_data }) => meta_data?.path_in_schema.join('.') === column)?.meta_data;
    if (chunk === undefined) throw new Error(`the file has no column ${column}`);
    const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset);
    damaged.fill(0xff, start, start + Number(chunk.total_compressed_size));
  }
  return damaged;
}

/**
 * Damages a column in all files of an Iceberg table. Call it before Trino reads the table, because Trino caches data that it has read.
 * @param schema name of the schema, without the catalog
 */
export async function damageIcebergColumn(schema: string, table: string, column: string): Promise<void> {
  const folder = lakehouseFolder(stackPaths(testStackFolder), 'iceberg');
  const paths = await queryColumn(
    testEngines().TRINO_URL,
    `SELECT file_path AS path FROM iceberg.${schema}."${table}$files"`,
  );
  if (paths.length === 0) throw new Error(`${table} has no files`);
  for (const path of paths) {
    const file = join(folder, path.replace('local:///', ''));
    await writeFile(file, damageColumn(await readFile(file), column));
  }
}
