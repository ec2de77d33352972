import { identifier } from '../../clients/lakehouse/sql.ts';
import { StatementError, statementRunner, type RunStatement } from './run-statement.ts';
import { lakehouseTables, rowCounts, type GenerationContext } from './tables.ts';

/** What a lakehouse is filled with, and where. */
export interface FillOptions {
  readonly trinoUrl: string;
  readonly catalog: string;
  readonly schema: string;
  /** Gets one line for each table. */
  readonly report: (line: string) => void;
  /** Multiplies today's row counts; 1 by default. */
  readonly scale?: number;
  /** "Now" of the times in the tables; the current time by default. Same seed and reference: same rows. */
  readonly reference?: Date;
  readonly seed?: string;
  readonly user?: string;
  /** Tables to be made; all of them by default. */
  readonly tables?: readonly string[];
}

/**
 * Makes the Silver tables (domain.md) inside Trino, with made-up but lifelike rows. A table that has its exact number
 * of rows already is left alone; any other is made anew in one atomic statement, so that it is never half there.
 * @throws StatementError when Trino refuses a statement
 * @throws RangeError for a scale that is not a positive number
 */
export async function fillLakehouse(options: FillOptions): Promise<void> {
  const { report, scale = 1, reference = new Date(), seed = 'kol', user = 'kol-lakehouse' } = options;
  if (!(scale > 0 && Number.isFinite(scale))) throw new RangeError(`scale is ${scale}, accepted is above 0`);
  const run = statementRunner(options.trinoUrl, user);
  const schema = `${identifier(options.catalog)}.${identifier(options.schema)}`;
  const referenceSeconds = Math.floor(reference.getTime() / 1000);
  const making: GenerationContext = { counts: rowCounts(scale), seed, referenceSeconds, schema };

  await run(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  const remade = new Set<string>();
  for (const { name, idColumn, rows, select, madeFrom } of lakehouseTables) {
    if (options.tables?.includes(name) === false) continue;
    const table = `${schema}.${identifier(name)}`;
    const expected = rows(making.counts);
    const found = await countRows(run, table, idColumn);
    if (found === expected && !(madeFrom !== undefined && remade.has(madeFrom))) {
      report(`${name}: ${expected.toLocaleString('en')} rows are there`);
      continue;
    }
    const start = performance.now();
    // CREATE OR REPLACE cannot look into what it replaces when that is damaged.
    if (found === 'damaged') await run(`DROP TABLE ${table}`);
    await run(`CREATE OR REPLACE TABLE ${table} AS\n${select(making)}`);
    remade.add(name);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    report(`${name}: ${expected.toLocaleString('en')} rows made in ${seconds} s`);
  }
}

/**
 * How many rows a table has; one whose files are gone or torn is damaged, not an error. Counting different ids reads
 * the files: count(*) is answered from metadata and would not notice.
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
