import { LRUCache } from 'lru-cache';
import { withTimeLimit } from '../../domain/values/abortable.ts';
import { groupBy } from '../../domain/values/lists.ts';
import { findShrunken } from '../../domain/warming/check-shrinkage.ts';
import { createBatchedLoader } from './batched-loader.ts';

/** The lakehouse's rows for the ids of a range. */
interface LookupResult<T> {
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
/** Limit for the cached rows as JSON. A description can be long, and expired rows stay until others need their place. */
const MAX_CHARACTERS = 64_000_000;
/** Memory of an id without rows. */
const ENTRY_CHARACTERS = 100;
const TTL_MS = 10 * 60_000;
/** TTL of unknown ids. It is short, because the query may have read a table that was being overwritten. */
const UNKNOWN_TTL_MS = 60_000;

/**
 * Looks up lakehouse rows for the hot path, and caches them, including unknown ids.
 * - Concurrent lookups share queries for the ids that are not cached.
 * - A lookup never throws and never takes longer than the deadline; a late result is cached for the next slice.
 * - Few queries run at a time, and no id is queried twice at the same time, so queries do not pile up on a slow Trino.
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
    // keep the rows of this lookup: the cache may evict some before the last ones are loaded
    const known = new Map<string, readonly T[]>();
    for (const id of ids) {
      const rows = snapshot?.(id) ?? cache.get(id);
      if (rows !== undefined) known.set(id, rows);
    }
    const missing = [...new Set(ids)].filter((id) => !known.has(id));
    const loadMissing = () => load(missing, (id, rows) => known.set(id, rows));
    const complete =
      missing.length === 0 || (await withTimeLimit(deadlineMs / 1000, loadMissing).catch(() => false));
    return { byId: new Map([...known].filter(([, rows]) => rows.length > 0)), complete };
  };
}

/** A snapshot is reloaded after this share of its maximum age. */
const RELOAD_SHARE = 0.8;
/** A failed or implausible load is repeated after this share. */
const RETRY_SHARE = 0.1;
/** A load that lost more than this has probably read a table that was being overwritten. */
const MAX_SHRINK_PERCENT = 50;

interface Snapshot<T> {
  readonly byId: ReadonlyMap<string, readonly T[]>;
  readonly rows: number;
  /** False if the table has more rows than the limit, or the load is implausible. Then a missing id may still exist. */
  readonly complete: boolean;
  readonly loadedAt: number;
}

/** @returns all rows of an id; undefined if the snapshot does not contain the answer */
type SnapshotLookup<T> = (id: string) => readonly T[] | undefined;

/**
 * Keeps an in-memory snapshot of a table. Loads it in the background now, and reloads it when a lookup finds it stale. A new snapshot
 * replaces the old one when it is loaded completely; a failed load keeps the old one until that is too old. A load without rows, or with
 * far fewer than before, is used for the ids that it has; the next load follows soon.
 * @param pages reads the table, ordered by id
 * @param maxRows of a larger table only the first rows are kept
 */
export function createTableSnapshot<T>(
  pages: () => AsyncIterable<readonly T[]>,
  idOf: (row: T) => string,
  { maxRows, maxAgeMs, onError }: { maxRows: number; maxAgeMs: number; onError: (error: unknown) => void },
): SnapshotLookup<T> {
  let snapshot: Snapshot<T> | undefined;
  let loadAt = -Infinity;

  async function load(): Promise<void> {
    const loadedAt = performance.now();
    const rows: T[] = [];
    let complete = true;
    for await (const page of pages()) {
      for (const row of page) rows.push(row);
      complete = rows.length <= maxRows;
      if (!complete) break;
    }
    const byId = groupBy(rows, idOf);
    const last = rows.at(-1);
    // the table may have more rows of the last id
    if (!complete && last !== undefined) byId.delete(idOf(last));
    const change = { what: 'rows', before: snapshot?.rows ?? 0, now: rows.length };
    const isPlausible = rows.length > 0 && findShrunken([change], MAX_SHRINK_PERCENT).length === 0;
    if (!isPlausible) retrySoon();
    snapshot = { byId, rows: rows.length, complete: complete && isPlausible, loadedAt };
  }

  function retrySoon(): void {
    loadAt = performance.now() + maxAgeMs * RETRY_SHARE;
  }

  function loadWhenStale(): void {
    const now = performance.now();
    if (now < loadAt) return;
    loadAt = now + maxAgeMs * RELOAD_SHARE;
    load().catch((error: unknown) => {
      retrySoon();
      onError(error);
    });
  }
  loadWhenStale();

  return (id) => {
    loadWhenStale();
    if (snapshot === undefined || performance.now() - snapshot.loadedAt >= maxAgeMs) return undefined;
    return snapshot.byId.get(id) ?? (snapshot.complete ? [] : undefined);
  };
}
