import { fingerprint } from '../values/fingerprint.ts';
import { shorten, type InvalidValue } from '../values/invalid-value.ts';
import { ALL, isPlatform } from '../values/platform.ts';
import { isId } from '../scoring/event.ts';
import { silverTables } from '../schema/silver-tables.ts';
import {
  MAX_SCOPE_IDS,
  mergeScopes,
  partsOfTables,
  warmParts,
  type WarmPart,
  type WarmScope,
} from './warm-parts.ts';

/** An ETL pipeline loaded tables (docs/etl.md). The same JSON object comes by signal, over HTTP and from the command line. */
export interface EtlLoad {
  /** Silver tables. */
  readonly tables: readonly string[];
  /** When they were loaded, ISO 8601 with `Z` or an offset; for the record. */
  readonly loadedAt?: string;
  /** Who says so. */
  readonly pipeline?: string;
  /** The pipeline's own run: what it says again under the same id counts once. */
  readonly runId?: string;
  /** Only rows of these platforms changed. */
  readonly platforms?: readonly string[];
  /** Only these rows changed: KOL ids of kol_profiles, content ids of kol_content. */
  readonly ids?: readonly string[];
}

/** Loads this close together become one warm: pipelines load table after table. */
export const ETL_WINDOW_SECONDS = 5;
/** A repeat is known as one for so long, and among so many loads. */
export const ETL_DUPLICATE_HOURS = 24;
export const ETL_DUPLICATE_LOADS = 1000;

const MAX_PLATFORMS = 100;
/** More of them tell nobody more. */
const MOST_PROBLEMS = 10;

const fields = ['tables', 'loadedAt', 'pipeline', 'runId', 'platforms', 'ids'] as const;
/** The spelling of the REST API's other fields does as well. */
const spellings = new Map([
  ['loaded_at', 'loadedAt'],
  ['run_id', 'runId'],
]);

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

const isText = (value: unknown): value is string => typeof value === 'string' && isId(value);
const isTime = (value: unknown): value is string =>
  typeof value === 'string' && ISO_TIME.test(value) && Number.isFinite(Date.parse(value));
const isTable = (value: unknown): value is string => (silverTables as readonly unknown[]).includes(value);
// Rows of a table belong to a platform; `all` is a name of the cache only.
const isRowPlatform = (value: unknown): value is string =>
  typeof value === 'string' && isPlatform(value) && value !== ALL;

const acceptedText = 'text of 1 to 256 characters without control characters';
const accepted = {
  load: 'a JSON object such as {"tables": ["kol_content"]}',
  field: `only the fields ${fields.join(', ')}`,
  tables: `a list of ${silverTables.join(', ')}`,
  loadedAt: 'ISO 8601 text with Z or an offset, such as 2026-01-01T03:00:00Z',
  platforms: `a list of 1 to ${MAX_PLATFORMS} names such as tiktok; leave platforms out for all of them`,
  ids: `a list of 1 to ${MAX_SCOPE_IDS} ids, each ${acceptedText}; leave ids out to refresh all that depends on the tables`,
};

/**
 * What was said of a load, checked.
 * `load` is what can be acted upon, null where no known table is named. A list of platforms or ids that is not valid is left
 * out of it, so that more is refreshed rather than less. `problems` is all that was wrong: whoever can be answered is
 * refused for any of it; a signal's sender cannot, so the load is taken as far as it goes.
 */
export function checkLoad(given: unknown): {
  readonly load: EtlLoad | null;
  readonly problems: readonly InvalidValue[];
} {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return { load: null, problems: [{ name: 'load', given: shorten(given), accepted: accepted.load }] };
  const said = new Map(
    Object.entries(given)
      // Clients of typed languages write null for what they do not say.
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]: [string, unknown]) => [spellings.get(name) ?? name, value]),
  );
  const problems: InvalidValue[] = [];
  const wrong = (name: string, value: unknown, would: string) => {
    if (problems.length < MOST_PROBLEMS)
      problems.push({ name: String(shorten(name)), given: shorten(value), accepted: would });
  };

  const one = (name: string, ok: (value: unknown) => value is string, would: string) => {
    const value = said.get(name);
    if (value === undefined || ok(value)) return value;
    wrong(name, value, would);
    return undefined;
  };
  /** The valid items of a list, and whether it is valid as a whole. */
  const list = (name: string, ok: (value: unknown) => value is string, most: number, would: string) => {
    const value = said.get(name);
    if (value === undefined) return { items: undefined, valid: true };
    if (!Array.isArray(value) || value.length === 0) {
      wrong(name, value, would);
      return { items: [], valid: false };
    }
    if (value.length > most) {
      wrong(name, `a list of ${value.length}`, would);
      return { items: [], valid: false };
    }
    const bad = value.filter((item) => !ok(item));
    if (bad.length > 0) wrong(name, bad, would);
    return { items: [...new Set(value.filter(ok))].sort(), valid: bad.length === 0 };
  };

  const tables = list('tables', isTable, 1000, accepted.tables);
  if (tables.items === undefined) wrong('tables', undefined, accepted.tables);
  const platforms = list('platforms', isRowPlatform, MAX_PLATFORMS, accepted.platforms);
  const ids = list('ids', isText, MAX_SCOPE_IDS, accepted.ids);
  const optional = {
    loadedAt: one('loadedAt', isTime, accepted.loadedAt),
    pipeline: one('pipeline', isText, acceptedText),
    runId: one('runId', isText, acceptedText),
    ...(platforms.valid && ids.valid ? { platforms: platforms.items, ids: ids.items } : {}),
  };
  for (const name of said.keys())
    if (!(fields as readonly string[]).includes(name)) wrong(name, said.get(name), accepted.field);

  if (tables.items === undefined || tables.items.length === 0) return { load: null, problems };
  const load = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  return { load: { tables: tables.items, ...load }, problems };
}

/**
 * What makes a load the same as one before: the run and all that it said. Undefined where it names no run.
 * A run that tells of one table after another says something new each time.
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

/** Parts to warm, and of those named in `scopes` only a share. */
export interface PartsAndScopes {
  readonly parts: readonly WarmPart[];
  readonly scopes: Partial<Readonly<Record<WarmPart, WarmScope>>>;
}

/** What loads make stale: the smallest that serves them all. */
export const partsAndScopesOf = (loads: readonly EtlLoad[]): PartsAndScopes =>
  mergePartsAndScopes(loads.map(partsAndScopesOfOne));

function partsAndScopesOfOne({ tables, platforms, ids }: EtlLoad): PartsAndScopes {
  if (ids !== undefined) {
    // Single keys: profiles and content details. What sums up many rows waits for the schedule.
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

/** Several of them as one. */
export function mergePartsAndScopes(several: readonly PartsAndScopes[]): PartsAndScopes {
  const parts = warmParts.filter((part) => several.some((one) => one.parts.includes(part)));
  const scopes = parts.flatMap((part) => {
    const scope = mergeScopes(
      several.filter((one) => one.parts.includes(part)).map((one) => one.scopes[part]),
    );
    return scope === undefined || (scope.platforms?.length ?? 0) > MAX_PLATFORMS
      ? []
      : [[part, scope] as const];
  });
  return { parts, scopes: Object.fromEntries(scopes) };
}
