import { ApplicationFailure } from '@temporalio/activity';
import type { SilverCatalog } from '../../clients/lakehouse/silver-catalog.ts';
import { formatSchemaProblem, type RenamedColumn } from '../../domain/schema/silver-tables.ts';
import { tablesOfPart, type WarmPart } from '../../domain/warming/warm-parts.ts';

export interface CheckSourceSchemaArgs {
  readonly parts: readonly WarmPart[];
}

/** Failure type of a source that does not fit: the lakehouse has to be mended, trying again will not help. */
export const SOURCE_SCHEMA_MISMATCH = 'SourceSchemaMismatch';

/** Compares the Silver tables that these parts read with what is expected of them, before anything is written. */
export function createCheckSourceSchema({ silver }: { silver: SilverCatalog }) {
  return async function checkSourceSchema({
    parts,
  }: CheckSourceSchemaArgs): Promise<{ tables: string[]; renamed: RenamedColumn[] }> {
    const tables = [...new Set(parts.flatMap((part) => tablesOfPart[part]))];
    const { problems, renamed } = await silver.check();
    const ours = problems.filter(({ table }) => (tables as string[]).includes(table));
    if (ours.length > 0)
      throw ApplicationFailure.create({
        type: SOURCE_SCHEMA_MISMATCH,
        nonRetryable: true,
        message: `The source schema is not as expected, so nothing was written. Mend: ${ours.map(formatSchemaProblem).join('; ')}`,
        details: [ours],
      });
    return { tables, renamed: renamed.filter(({ table }) => tables.includes(table)) };
  };
}
