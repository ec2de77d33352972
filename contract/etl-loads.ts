import { z } from 'zod';
import { silverTables } from '../domain/schema/silver-tables.ts';
import { ALL, isId, isPlatform } from '../domain/values/text-ids.ts';
import { shorten, type InvalidValue } from '../domain/values/invalid-value.ts';
import { MAX_LOAD_PLATFORMS, type EtlLoad, type PartsAndScopes } from '../domain/warming/etl-load.ts';
import type { EtlRunSelector, LoadState } from '../domain/warming/load-memory.ts';
import type { WaitingLoads } from '../domain/warming/load-queue.ts';
import { MAX_SCOPE_IDS } from '../domain/warming/warm-scope.ts';
import { parseInput, type ParseResult } from './parse-input.ts';

const MAX_TABLES = 1000;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

const acceptedText = 'text of 1 to 256 characters without control characters';
const text = z.string().refine(isId);
const table = z.enum(silverTables);
// A row belongs to one platform; `all` is a name that only the cache uses.
const rowPlatform = z.string().refine((name) => isPlatform(name) && name !== ALL);
const isoTime = z.string().refine((value) => ISO_TIME.test(value) && Number.isFinite(Date.parse(value)));

/** The fields of an ETL load. */
export const etlLoadShape = {
  tables: z
    .array(table)
    .min(1)
    .max(MAX_TABLES)
    .describe(`a list of ${silverTables.join(', ')}`),
  loadedAt: isoTime.optional().describe('ISO 8601 text with Z or an offset, such as 2026-01-01T03:00:00Z'),
  pipeline: text.optional().describe(acceptedText),
  runId: text.optional().describe(acceptedText),
  platforms: z
    .array(rowPlatform)
    .min(1)
    .max(MAX_LOAD_PLATFORMS)
    .optional()
    .describe(
      `a list of 1 to ${MAX_LOAD_PLATFORMS} names such as tiktok; leave platforms out for all of them`,
    ),
  ids: z
    .array(text)
    .min(1)
    .max(MAX_SCOPE_IDS)
    .optional()
    .describe(
      `a list of 1 to ${MAX_SCOPE_IDS} ids, each ${acceptedText}; leave ids out to refresh all that depends on the tables`,
    ),
};

/** snake_case names are accepted too, because the REST API uses them elsewhere. */
const aliases = new Map([
  ['loaded_at', 'loadedAt'],
  ['run_id', 'runId'],
]);

/**
 * Checks an ETL load, which arrives by signal, over HTTP or from the command line as the same JSON object. HTTP and the command line refuse
 * a load with problems. A signal has no answer, so `load` holds the usable part: an invalid list of platforms or ids is left out, which
 * refreshes more instead of less.
 * @returns `load` is null when it names no known table; `problems` lists everything that is wrong
 */
export function parseEtlLoad(given: unknown): {
  readonly load: EtlLoad | null;
  readonly problems: readonly InvalidValue[];
} {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const accepted = 'a JSON object such as {"tables": ["kol_content"]}';
    return { load: null, problems: [{ name: 'load', given: shorten(given), accepted }] };
  }
  const fields = Object.fromEntries(
    Object.entries(given).map(([name, value]: [string, unknown]) => [aliases.get(name) ?? name, value]),
  );
  const parsed = parseInput(etlLoadShape, fields);
  return 'value' in parsed
    ? { load: normalized(parsed.value), problems: [] }
    : { load: usableLoad(fields), problems: parsed.invalid };
}

/** The usable part of an invalid load. */
function usableLoad(fields: Readonly<Record<string, unknown>>): EtlLoad | null {
  const tables = fields['tables'];
  const known = Array.isArray(tables) && tables.length <= MAX_TABLES ? tables.filter(isTable) : [];
  if (known.length === 0) return null;
  const { platforms, ids } = etlLoadShape;
  const hasValidScope =
    platforms.safeParse(fields['platforms'] ?? undefined).success &&
    ids.safeParse(fields['ids'] ?? undefined).success;
  const kept = Object.entries(etlLoadShape).filter(
    ([name, schema]) =>
      Object.hasOwn(fields, name) &&
      fields[name] !== null &&
      schema.safeParse(fields[name]).success &&
      (hasValidScope || (name !== 'platforms' && name !== 'ids')),
  );
  const valid = Object.fromEntries(kept.map(([name]) => [name, fields[name]]));
  return normalized({ ...valid, tables: known });
}

const isTable = (value: unknown) => table.safeParse(value).success;

/** Lists without repeats and in a fixed order; absent fields are left out. */
function normalized(load: EtlLoadFields): EtlLoad {
  const sorted = (list: readonly string[] | undefined) => list && [...new Set(list)].sort();
  const { tables, platforms, ids } = load;
  const all = { ...load, tables: sorted(tables), platforms: sorted(platforms), ids: sorted(ids) };
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as unknown as EtlLoad;
}

type EtlLoadFields = { readonly [Name in keyof EtlLoad]: EtlLoad[Name] | undefined };

/** A warm after ETL loads. It is running while `endedAt` is null. */
export interface EtlWarm {
  readonly workflowId: string;
  readonly parts: PartsAndScopes['parts'];
  readonly requestedBy: string;
  readonly loads: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Keys written; null until the warm has ended. */
  readonly keys: number | null;
  readonly error: string | null;
}

/** A signal that was completely or partly invalid. */
interface LoadProblem {
  readonly at: string;
  /** True: the whole signal was ignored. False: the valid part of it was used. */
  readonly ignored: boolean;
  readonly reason: string;
}

/** State of the receiver of ETL loads, since its first load. */
export interface EtlLoadsState {
  /** Accepted loads, repeats not counted. */
  readonly taken: number;
  /** Loads that the same run of the same pipeline had already sent, with no later `loadedAt`. */
  readonly repeats: number;
  /** Signals that named no known table. */
  readonly ignored: number;
  /** The latest problems, oldest first. */
  readonly problems: readonly LoadProblem[];
  /** Accepted loads that no warm has served yet. */
  readonly waiting: Pick<WaitingLoads, 'loads' | 'parts'>;
  readonly lastWarm: EtlWarm | null;
}

/** A load of a pipeline run, and the warm that serves it. */
interface EtlLoadStatus {
  readonly tables: readonly string[];
  readonly state: LoadState;
  readonly takenAt: string;
  /** Workflow id of the warm; null before it starts, and for a load that made nothing in the cache stale. */
  readonly warm: string | null;
  /** When the warm ended. */
  readonly endedAt: string | null;
  /** Why the warm failed. */
  readonly error: string | null;
}

/** The state of the loads of a pipeline run. */
export interface EtlRunStatus {
  readonly runId: string;
  /** `taken` or `warming` while one load is not finished; then `failed` if one failed, otherwise `done`. */
  readonly state: LoadState;
  /** The error of the first failed load. */
  readonly error: string | null;
  /** The latest loads of the run, oldest first; at most 100. */
  readonly loads: readonly EtlLoadStatus[];
}

/** The parameters that select a pipeline run. */
export const etlRunShape = {
  runId: text.describe(acceptedText),
  pipeline: text.optional().describe(acceptedText),
};

/** Checks the argument of the query for a pipeline run. */
export const parseEtlRunSelector = (given: unknown): ParseResult<EtlRunSelector> =>
  parseInput(etlRunShape, given);

export const isFinished = ({ state }: EtlRunStatus): boolean => state === 'done' || state === 'failed';
