import type { SilverTable } from '../schema/silver-tables.ts';

/** Parts of the cache, each warmed on its own (docs/warming.md). */
export const warmParts = ['profiles', 'rankings', 'trending', 'stats', 'search', 'lists'] as const;
export type WarmPart = (typeof warmParts)[number];

/** The tables that each part reads. An ETL load of one of them makes the part stale. */
export const tablesOfPart: Readonly<Record<WarmPart, readonly SilverTable[]>> = {
  profiles: ['kol_profiles'],
  rankings: ['kol_profiles', 'kol_content'],
  trending: ['kol_content'],
  stats: ['kol_profiles', 'kol_content'],
  search: ['kol_profiles'],
  lists: ['kol_profiles'],
};

/** The parts that read any of these tables. */
export const partsOfTables = (tables: readonly string[]): WarmPart[] =>
  warmParts.filter((part) => tablesOfPart[part].some((table) => tables.includes(table)));
