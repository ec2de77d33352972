import { LRUCache } from 'lru-cache';
import { groupBy } from '../../domain/values/group-by.ts';
import { createBatchedLoader } from './batched-loader.ts';
import { createTableSnapshot } from './table-snapshot.ts';

/** The lakehouse's rows for the ids of a range. */
export interface LookupResult<T> {
  /** All rows of each id, for example those of one name on two platforms. An id that does not exist is missing. */
  readonly byId: ReadonlyMap<string, readonly T[]>;
  /** False when Trino failed or missed the deadline: then `byId` has only rows from the cache. */
  readonly complete: boolean;
}

export type Lookup<T> = (ids: readonly string[]) => Promise<LookupResult<T>>;

interface LookupCacheOptions<T> {
  /** A lookup waits this long for Trino. */
  readonly deadlineMs: number;
  readonly onError: (error: unknown) => void;
  /** Reads the complete table, page by page, ordered by id. While its snapshot is fresh, no lookup queries Trino. */
  readonly preload?: () => AsyncIterable<readonly T[]>;
}

/** Several times the number of KOLs that exist today; the features of so many take about 60 MB. */
const MAX_ROWS = 200_000;
/** Of the cached rows as JSON. A description has no limit of its own, and rows that expired stay until others need their place. */
const MAX_CHARACTERS = 64_000_000;
/** An id without rows takes memory too. */
const ENTRY_CHARACTERS = 100;
const TTL_MS = 10 * 60_000;
/** An id can be unknown because the query met a table that was being overwritten. */
const UNKNOWN_TTL_MS = 60_000;

/**
 * Looks up lakehouse rows for the hot path, and caches them, unknown ids included. Lookups at the same time share queries for the ids
 * that are not cached. A lookup never throws and never takes longer than the deadline; a result that arrives later serves the next
 * slice. Few queries run at a time, and no id is queried twice meanwhile, so queries do not pile up on a slow Trino.
 * @param query reads the rows of ids from the lakehouse
 */
export function createLookupCache<T>(
  query: (ids: readonly string[]) => Promise<readonly T[]>,
  idOf: (row: T) => string,
  { deadlineMs, onError, preload }: LookupCacheOptions<T>,
): Lookup<T> {
  /** An id that does not exist has no rows. */
  const cache = new LRUCache<string, readonly T[]>({
    max: MAX_ROWS,
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (rows) => ENTRY_CHARACTERS + JSON.stringify(rows).length,
    ttl: TTL_MS,
  });
  const snapshotOptions = { maxRows: MAX_ROWS, maxAgeMs: TTL_MS, onError };
  const snapshot = preload && createTableSnapshot(preload, idOf, snapshotOptions);
  const load = createBatchedLoader(async (ids) => {
    const found = groupBy(await query(ids), idOf);
    const answers = new Map<string, readonly T[]>(ids.map((id) => [id, found.get(id) ?? []]));
    for (const [id, rows] of answers)
      cache.set(id, rows, { ttl: rows.length === 0 ? UNKNOWN_TTL_MS : TTL_MS });
    return answers;
  }, onError);

  return async (ids) => {
    // The rows of this lookup are held here: the cache may drop some of them before the last ones are loaded.
    const known = new Map<string, readonly T[]>();
    for (const id of ids) {
      const rows = snapshot?.(id) ?? cache.get(id);
      if (rows !== undefined) known.set(id, rows);
    }
    const missing = [...new Set(ids)].filter((id) => !known.has(id));
    const loadMissing = () => load(missing, (id, rows) => known.set(id, rows));
    const complete = missing.length === 0 || (await succeedsWithin(deadlineMs, loadMissing()));
    return { byId: new Map([...known].filter(([, rows]) => rows.length > 0)), complete };
  };
}

/** Whether a load ends in time and succeeds. */
async function succeedsWithin(ms: number, load: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([load, late]);
  } finally {
    clearTimeout(timer);
  }
}
