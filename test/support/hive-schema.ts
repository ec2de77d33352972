import { queryTrino } from './trino.ts';
import { testEngines } from './test-engines.ts';

/**
 * Creates a schema of Hive tables with the rows of other tables: the profiles in 4 files, the content in a partition a platform.
 * @param from `catalog.schema` of those tables
 * @returns the name of the schema, without the catalog
 */
export async function createHiveSchema(name: string, from: string): Promise<string> {
  const trino = (sql: string) => queryTrino(testEngines().TRINO_URL, sql);
  const schema = `hive.${name}`;
  // Another hash than the one that chose the rows of the small lakehouse.
  const quarter = 'crc32(to_utf8(kol_id)) % 4';
  await trino(`CREATE SCHEMA ${schema}`);
  await trino(
    `CREATE TABLE ${schema}.kol_profiles AS SELECT * FROM ${from}.kol_profiles WHERE ${quarter} = 0`,
  );
  for (const part of [1, 2, 3])
    await trino(
      `INSERT INTO ${schema}.kol_profiles SELECT * FROM ${from}.kol_profiles WHERE ${quarter} = ${part}`,
    );
  const columns = (await trino(`SHOW COLUMNS FROM ${from}.kol_content`)).map(([column]) => String(column));
  // Columns of the partition come last.
  const ordered = [...columns.filter((column) => column !== 'platform'), 'platform'].join(', ');
  await trino(
    `CREATE TABLE ${schema}.kol_content WITH (partitioned_by = ARRAY['platform']) AS SELECT ${ordered} FROM ${from}.kol_content`,
  );
  return name;
}
