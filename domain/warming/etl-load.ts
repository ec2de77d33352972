import { fingerprint } from '../values/fingerprint.ts';
import { mergeScopes, type WarmScope } from './warm-scope.ts';
import { partsOfTables, warmParts, type WarmPart } from './warm-parts.ts';

/** A load of tables by an ETL pipeline (docs/etl.md). */
export interface EtlLoad {
  /** Silver tables. */
  readonly tables: readonly string[];
  /** Time of the load, ISO 8601 with `Z` or an offset. A repeated load with a later time is a new load. */
  readonly loadedAt?: string;
  /** Name of the pipeline. */
  readonly pipeline?: string;
  /** Run id of the pipeline. A load that is sent again with the same run id counts once. Its state can be queried by this id. */
  readonly runId?: string;
  /** Only rows of these platforms changed. */
  readonly platforms?: readonly string[];
  /** Only these rows changed: KOL ids of kol_profiles, content ids of kol_content. */
  readonly ids?: readonly string[];
}

/** Loads that arrive within this time lead to one warm, because pipelines load one table after another. */
export const ETL_WINDOW_SECONDS = 5;

/** Platforms that one load may name. */
export const MAX_LOAD_PLATFORMS = 100;

/**
 * The key by which a repeat is recognised: pipeline, run and everything that the load names, except its time. Undefined for a
 * load without a run id. A run that reports one table after another therefore sends a new load each time.
 */
export function duplicateKeyOf({
  tables,
  pipeline = '',
  runId,
  platforms = [],
  ids = [],
}: EtlLoad): string | undefined {
  if (runId === undefined) return undefined;
  const sorted = (list: readonly string[]) => [...list].sort();
  return fingerprint(JSON.stringify([pipeline, runId, sorted(tables), sorted(platforms), sorted(ids)]));
}

/** Parts to warm; of a part named in `scopes`, only that share. */
export interface PartsAndScopes {
  readonly parts: readonly WarmPart[];
  readonly scopes: Partial<Readonly<Record<WarmPart, WarmScope>>>;
}

/** The parts that become stale through these loads: the smallest set that covers all of them. */
export const partsAndScopesOf = (loads: readonly EtlLoad[]): PartsAndScopes =>
  mergePartsAndScopes(loads.map(partsAndScopesOfOne));

function partsAndScopesOfOne({ tables, platforms, ids }: EtlLoad): PartsAndScopes {
  if (ids !== undefined) {
    // Refresh single keys: profiles and content details. Sets that summarise many rows wait for the scheduled warm.
    const parts: readonly WarmPart[] = [
      ...(tables.includes('kol_profiles') ? (['profiles'] as const) : []),
      ...(tables.includes('kol_content') ? (['trending'] as const) : []),
    ];
    return { parts, scopes: Object.fromEntries(parts.map((part) => [part, { ids }])) };
  }
  const parts = partsOfTables(tables);
  return platforms === undefined
    ? { parts, scopes: {} }
    : { parts, scopes: Object.fromEntries(parts.map((part) => [part, { platforms }])) };
}

/** Merges parts and scopes into one request that covers all of them. */
export function mergePartsAndScopes(several: readonly PartsAndScopes[]): PartsAndScopes {
  const parts = warmParts.filter((part) => several.some((one) => one.parts.includes(part)));
  const scopes = parts.flatMap((part) => {
    const scope = mergeScopes(
      several.filter((one) => one.parts.includes(part)).map((one) => one.scopes[part]),
    );
    return scope === undefined || (scope.platforms?.length ?? 0) > MAX_LOAD_PLATFORMS
      ? []
      : [[part, scope] as const];
  });
  return { parts, scopes: Object.fromEntries(scopes) };
}
