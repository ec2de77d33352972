import { ApplicationFailure } from '@temporalio/activity';
import type { SilverCatalog } from '../../clients/lakehouse/silver-catalog.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import { formatSchemaProblem, type RenamedColumn } from '../../domain/schema/check-table.ts';
import { tablesOfPart, type WarmPart } from '../../domain/warming/warm-parts.ts';

export interface CheckSourceSchemaArgs {
  readonly parts: readonly WarmPart[];
}

export interface CheckSourceSchemaResult {
  /** Silver tables that these parts read. */
  readonly tables: readonly string[];
  /** Columns of these tables that were found under an older name. */
  readonly renamed: readonly RenamedColumn[];
}

/**
 * Compares the Silver tables that these parts read with the columns that the warm expects, before it writes anything.
 * @throws SourceSchemaMismatch with all problems; not retried, because the lakehouse must change first
 */
export function createCheckSourceSchema({ silver }: { silver: SilverCatalog }) {
  return async function checkSourceSchema({
    parts,
  }: CheckSourceSchemaArgs): Promise<CheckSourceSchemaResult> {
    const tables: readonly string[] = [...new Set(parts.flatMap((part) => tablesOfPart[part]))];
    const { problems, renamed } = await silver.check();
    const partProblems = problems.filter(({ table }) => tables.includes(table));
    if (partProblems.length > 0)
      throw ApplicationFailure.create({
        type: failureTypes.sourceSchemaMismatch,
        nonRetryable: true,
        message: `The source schema is not as expected, so nothing was written. Fix: ${partProblems.map(formatSchemaProblem).join('; ')}`,
        details: [partProblems],
      });
    return { tables, renamed: renamed.filter(({ table }) => tables.includes(table)) };
  };
}
