import { identifier } from '../../clients/lakehouse/sql.ts';
import type { GenerationContext } from './generation-context.ts';
import { StatementError, statementRunner, type RunStatement } from './run-statement.ts';
import { LAKEHOUSE_TABLES, rowCounts } from './tables.ts';

interface FillOptions {
  readonly trinoUrl: string;
  readonly catalog: string;
  readonly schema: string;
  /** Receives one line per table. */
  readonly report: (line: string) => void;
  /** Factor for today's row counts; 1 by default. */
  readonly scale?: number;
  /** The current time for the times in the tables; now by default. The same seed and reference give the same rows. */
  readonly reference?: Date;
  readonly seed?: string;
  readonly user?: string;
  /** Tables to create; all of them by default. */
  readonly tables?: readonly string[];
}

/**
 * Creates the Silver tables (docs/contract.md) in Trino with realistic synthetic rows. A table that already has the exact number of rows
 * stays as it is; every other table is replaced, so readers never see a partial table.
 * @throws StatementError when Trino rejects a statement
 * @throws RangeError for a scale that is not a positive number
 */
export async function fillLakehouse(options: FillOptions): Promise<void> {
  const { report, scale = 1, reference = new Date(), seed = 'kol', user = 'kol-lakehouse' } = options;
  if (!(scale > 0 && Number.isFinite(scale)))
    throw new RangeError(`scale is ${scale}, it must be a number above 0`);
  const run = statementRunner(options.trinoUrl, user);
  const schema = `${identifier(options.catalog)}.${identifier(options.schema)}`;
  const referenceSeconds = Math.floor(reference.getTime() / 1000);
  const context: GenerationContext = { counts: rowCounts(scale), seed, referenceSeconds, schema };

  await run(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  const replaced = new Set<string>();
  for (const { name, idColumn, rows, select, derivedFrom: madeFrom } of LAKEHOUSE_TABLES) {
    if (options.tables?.includes(name) === false) continue;
    const table = `${schema}.${identifier(name)}`;
    const expected = rows(context.counts);
    const found = await countRows(run, table, idColumn);
    if (found === expected && !(madeFrom !== undefined && replaced.has(madeFrom))) {
      report(`${name}: ${expected.toLocaleString('en')} rows already present`);
      continue;
    }
    const start = performance.now();
    // CREATE OR REPLACE reads the old table's metadata and fails when that is damaged.
    if (found === 'damaged') await run(`DROP TABLE ${table}`);
    await replaceTable(run, table, select(context));
    replaced.add(name);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    report(`${name}: created ${expected.toLocaleString('en')} rows in ${seconds} s`);
  }
}

/**
 * Replaces a table in one atomic statement. Hive tables cannot be replaced so: the table is missing until the new one is complete.
 */
async function replaceTable(run: RunStatement, table: string, query: string): Promise<void> {
  try {
    await run(`CREATE OR REPLACE TABLE ${table} AS\n${query}`);
  } catch (error) {
    if (!(error instanceof StatementError && error.errorName === 'NOT_SUPPORTED')) throw error;
    await run(`DROP TABLE IF EXISTS ${table}`);
    await run(`CREATE TABLE ${table} AS\n${query}`);
  }
}

/**
 * Counts the rows of a table. Missing or corrupt data files give `damaged` instead of an error. Counting distinct ids reads the data
 * files; count(*) reads only metadata and would not detect damage.
 */
async function countRows(
  run: RunStatement,
  table: string,
  idColumn: string,
): Promise<number | 'missing' | 'damaged'> {
  try {
    const [row] = await run(`SELECT count(DISTINCT ${identifier(idColumn)}) FROM ${table}`);
    return Number(row?.[0]);
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    if (error.errorName === 'TABLE_NOT_FOUND') return 'missing';
    if (error.errorName.startsWith('ICEBERG_') || error.errorName.startsWith('HIVE_')) return 'damaged';
    throw error;
  }
}
