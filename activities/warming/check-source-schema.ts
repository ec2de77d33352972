import type { SilverCatalog } from '../../clients/lakehouse/silver-catalog.ts';
import type { RenamedColumn } from '../../domain/schema/check-table.ts';
import { partsOfTables, tablesOfPart, type WarmPart } from '../../domain/warming/warm-parts.ts';

export interface CheckSourceSchemaArgs {
  readonly parts: readonly WarmPart[];
}

export interface CheckSourceSchemaResult {
  /** Columns of their tables that have an older name. */
  readonly renamed: readonly RenamedColumn[];
  /** Parts whose table breaks the contract. Each fails before it writes, unless the table is repaired by then. */
  readonly mismatched: readonly WarmPart[];
}

/** Compares the Silver tables of these parts with the contract. The result is cached for the reads that follow. */
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
