import type { SilverTable } from './silver.ts';

/** Parts of the cache that are warmed on their own (domain.md, cache warming). */
export const warmParts = ['profiles', 'rankings', 'trending', 'stats', 'search', 'lists'] as const;
export type WarmPart = (typeof warmParts)[number];

/** Tables that each part is made of: an ETL load of one of them makes the part stale. */
export const tablesOfPart: Readonly<Record<WarmPart, readonly SilverTable[]>> = {
  profiles: ['kol_profiles'],
  rankings: ['kol_profiles', 'kol_content'],
  trending: ['kol_content'],
  stats: ['kol_profiles', 'kol_content'],
  search: ['kol_profiles'],
  lists: ['kol_profiles'],
};

/** Parts that depend on any of these tables; a table that no part reads gives none. */
export const partsOfTables = (tables: readonly string[]): WarmPart[] =>
  warmParts.filter((part) => tablesOfPart[part].some((table) => tables.includes(table)));

export const isWarmPart = (name: string): name is WarmPart => (warmParts as readonly string[]).includes(name);

/** What started a warm. */
export const warmTriggers = ['schedule', 'startup', 'etl', 'manual'] as const;
export type WarmTrigger = (typeof warmTriggers)[number];

/** How a warm is to be done; every setting has a default, so that {} is a full warm. */
export interface WarmOptions {
  /** Reads and reports what would be written, and writes nothing. */
  readonly dryRun: boolean;
  /** Every profile, not just the hot ones. */
  readonly allProfiles: boolean;
}

/** What one part's warm did. */
export interface PartReport {
  readonly part: WarmPart;
  readonly rowsRead: number;
  /** Keys written, or that would be written by a dry run. */
  readonly keys: number;
  /** Rough size of what was written. */
  readonly bytes: number;
  readonly durationMs: number;
  /** Rows left out because they are not what the contract says, with a few examples. */
  readonly rejected: number;
  readonly rejectedExamples: readonly string[];
  /** Anything not done, and why. */
  readonly skipped: readonly string[];
}
