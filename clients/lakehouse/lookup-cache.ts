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
  const cache = new LRUCache<string, readonly T[]>({ max: MAX_ROWS, ttl: TTL_MS });
  const snapshotOptions = { maxRows: MAX_ROWS, maxAgeMs: TTL_MS, onError };
  const snapshot = preload && createTableSnapshot(preload, idOf, snapshotOptions);
  const load = createBatchedLoader(async (ids) => {
    const found = groupBy(await query(ids), idOf);
    for (const id of ids) {
      const rows = found.get(id);
      if (rows === undefined) cache.set(id, [], { ttl: UNKNOWN_TTL_MS });
      else cache.set(id, rows);
    }
  }, onError);

  /** Undefined when the rows have to be queried. */
  const cachedRows = (id: string): readonly T[] | undefined => snapshot?.(id) ?? cache.get(id);

  return async (ids) => {
    const byId = new Map<string, readonly T[]>();
    const missing = new Set<string>();
    for (const id of ids) {
      const rows = cachedRows(id);
      if (rows === undefined) missing.add(id);
      else if (rows.length > 0) byId.set(id, rows);
    }
    const complete = missing.size === 0 || (await succeedsWithin(deadlineMs, load([...missing])));
    for (const id of missing) {
      const rows = cachedRows(id) ?? [];
      if (rows.length > 0) byId.set(id, rows);
    }
    return { byId, complete };
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
