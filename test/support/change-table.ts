type RunQuery = (sql: string) => Promise<unknown[][]>;

// Iceberg tables change in one statement, and an update leaves delete files. Hive has no such statements: a table is replaced by another
// one, as Spark does.

const isHive = (table: string): boolean => table.startsWith('hive.');

/**
 * Replaces a table, or creates it.
 * @param table `catalog.schema.table`
 * @param query its new rows; it may read the table
 */
export async function replaceTable(trino: RunQuery, table: string, query: string): Promise<void> {
  if (!isHive(table)) {
    await trino(`CREATE OR REPLACE TABLE ${table} AS ${query}`);
    return;
  }
  await trino(`CREATE TABLE ${table}_next AS ${query}`);
  await trino(`DROP TABLE IF EXISTS ${table}`);
  await trino(`ALTER TABLE ${table}_next RENAME TO ${table}`);
}

/** Sets a column of some rows. @param value as SQL */
export async function updateColumn(
  trino: RunQuery,
  table: string,
  { column, value, where }: { column: string; value: string; where: string },
): Promise<void> {
  if (!isHive(table)) {
    await trino(`UPDATE ${table} SET ${column} = ${value} WHERE ${where}`);
    return;
  }
  const columns = (await trino(`SHOW COLUMNS FROM ${table}`)).map(([name]) =>
    name === column ? `if(${where}, ${value}, ${column}) AS ${column}` : String(name),
  );
  await replaceTable(trino, table, `SELECT ${columns.join(', ')} FROM ${table}`);
}

interface Copy {
  readonly from: string;
  readonly to: string;
  /** Column → the SQL expression of its value in the copy. */
  readonly changes: Readonly<Record<string, string>>;
  readonly where: string;
}

/** Adds changed copies of rows of one table to another one with the same columns. */
export async function copyRows(trino: RunQuery, { from, to, changes, where }: Copy): Promise<void> {
  const columns = await trino(`SHOW COLUMNS FROM ${to}`);
  const values = columns.map(([name]) => changes[String(name)] ?? String(name)).join(', ');
  await trino(`INSERT INTO ${to} SELECT ${values} FROM ${from} WHERE ${where}`);
}
