import type { SilverCatalog } from '../../clients/lakehouse/silver-catalog.ts';
import type { RenamedColumn } from '../../domain/schema/check-table.ts';
import { partsOfTables, tablesOfPart, type WarmPart } from '../../domain/warming/warm-parts.ts';

export interface CheckSourceSchemaArgs {
  readonly parts: readonly WarmPart[];
}

export interface CheckSourceSchemaResult {
  /** Columns of the tables that these parts read which were found under an older name. */
  readonly renamed: readonly RenamedColumn[];
  /** Those of these parts that read a table which breaks the contract. Each of them fails before it writes, unless the table is repaired by then. */
  readonly mismatched: readonly WarmPart[];
}

/** Compares the Silver tables that these parts read with the columns that the warm expects. The check serves the reads that follow. */
export function createCheckSourceSchema({ silver }: { silver: SilverCatalog }) {
  return async function checkSourceSchema({
    parts,
  }: CheckSourceSchemaArgs): Promise<CheckSourceSchemaResult> {
    const tables: readonly string[] = [...new Set(parts.flatMap((part) => tablesOfPart[part]))];
    const { problems, renamed } = await silver.check();
    const affected = partsOfTables(problems.map(({ table }) => table));
    return {
      renamed: renamed.filter(({ table }) => tables.includes(table)),
      mismatched: parts.filter((part) => affected.includes(part)),
    };
  };
}
