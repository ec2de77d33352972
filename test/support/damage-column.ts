import { parquetMetadata } from 'hyparquet';

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
