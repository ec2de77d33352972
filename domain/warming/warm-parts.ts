import type { SilverTable } from '../schema/silver-tables.ts';

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

/** The share of a part that is to be warmed; no scope means all of it. */
export interface WarmScope {
  /** Only the sets of these platforms, and of all platforms together. Sets that know no platform are warmed as ever. */
  readonly platforms?: readonly string[];
  /** Only the keys of these ids: KOLs for profiles, content items for trending; other parts have no such keys. */
  readonly ids?: readonly string[];
}

/** Parts that hold keys of single ids. */
export const partsWithIds: readonly WarmPart[] = ['profiles', 'trending'];

/** Ids in one scope; a load of more is a load of the table. */
export const MAX_SCOPE_IDS = 1000;

/** The smallest scope that serves all of these; undefined where that is the whole part. */
export function mergeScopes(scopes: readonly (WarmScope | undefined)[]): WarmScope | undefined {
  const ids = new Set(scopes.flatMap((scope) => scope?.ids ?? []));
  const platforms = new Set(scopes.flatMap((scope) => scope?.platforms ?? []));
  if (scopes.every((scope) => scope?.ids !== undefined))
    return ids.size > MAX_SCOPE_IDS ? undefined : { ids: [...ids] };
  // Some by ids, some by platforms: what one run does for either, only a run over all does for both.
  if (scopes.every((scope) => scope?.platforms !== undefined && scope.ids === undefined))
    return { platforms: [...platforms] };
  return undefined;
}

/** How a warm is to be done; every setting has a default, so that {} is a full warm. */
export interface WarmOptions {
  /** Reads and reports what would be written, and writes nothing. */
  readonly dryRun: boolean;
  /** Every profile, not just the hot ones. */
  readonly allProfiles: boolean;
  /** Reads the lakehouse also where its tables have not changed since the last warm. */
  readonly force: boolean;
  /** Takes a read that is much smaller than the last one for what the lakehouse now holds. */
  readonly allowShrink: boolean;
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
  /** Keys whose TTL was renewed, since the tables that they were made of have not changed. */
  readonly renewed: number;
  /** Keys of rows that are in the lakehouse no more. */
  readonly removed: number;
  /** Rows left out because they are not what the contract says, with a few examples. */
  readonly rejected: number;
  readonly rejectedExamples: readonly string[];
  /** Anything not done, and why. */
  readonly skipped: readonly string[];
  /** What an operator should look at before it becomes a failure. */
  readonly warnings: readonly string[];
}

/** What one part's report says in words, but for its warnings: those are the whole warm's. */
export const formatPartNotes = ({ skipped, rejected, rejectedExamples }: PartReport): string[] => [
  ...skipped,
  ...(rejected > 0 ? [`${rejected} rows left out, e.g. ${rejectedExamples[0] ?? 'without a reason'}`] : []),
];

const EXAMPLES = 5;

/** Several reports on one part as one; the time is that from start to end, which only the caller knows. */
export function mergeReports(part: WarmPart, reports: readonly PartReport[], durationMs: number): PartReport {
  const sum = (count: (report: PartReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  return {
    part,
    durationMs,
    rowsRead: sum(({ rowsRead }) => rowsRead),
    keys: sum(({ keys }) => keys),
    bytes: sum(({ bytes }) => bytes),
    renewed: sum(({ renewed }) => renewed),
    removed: sum(({ removed }) => removed),
    rejected: sum(({ rejected }) => rejected),
    rejectedExamples: reports.flatMap(({ rejectedExamples }) => rejectedExamples).slice(0, EXAMPLES),
    skipped: reports.flatMap(({ skipped }) => skipped),
    warnings: [...new Set(reports.flatMap(({ warnings }) => warnings))],
  };
}
