import DataLoader from 'dataloader';
import { LRUCache } from 'lru-cache';
import { createTableSnapshot } from './table-snapshot.ts';

/** The lakehouse's values for the ids of a range. */
export interface LookupResult<T> {
  /** An id that does not exist is missing. */
  readonly byId: ReadonlyMap<string, T>;
  /** False when Trino failed or missed the deadline: then `byId` has only values from the cache. */
  readonly complete: boolean;
}

export type Lookup<T> = (ids: readonly string[]) => Promise<LookupResult<T>>;

interface LookupCacheOptions<T> {
  /** A lookup waits this long for Trino. */
  readonly deadlineMs: number;
  readonly onError: (error: unknown) => void;
  /** Reads the complete table, page by page. While its snapshot is fresh, no lookup queries Trino. */
  readonly preload?: () => AsyncIterable<readonly T[]>;
}

/** Several times the number of KOLs that exist today; the features of so many take about 60 MB. */
const MAX_VALUES = 200_000;
const TTL_MS = 10 * 60_000;
/** The ranges of a batch start within a few milliseconds of each other, so one query serves all of them. */
const BATCH_WINDOW_MS = 5;
const MAX_IDS_PER_QUERY = 5000;

/**
 * Looks up lakehouse values for the hot path, and caches them, unknown ids included. One query serves all ids that are not
 * cached. A lookup never throws and never takes longer than the deadline; a result that arrives later serves the next batch.
 * Only one query runs at a time, and no id is queried twice meanwhile, so queries do not pile up on a slow Trino.
 * @param query reads the values of ids from the lakehouse
 */
export function createLookupCache<T>(
  query: (ids: readonly string[]) => Promise<readonly T[]>,
  idOf: (value: T) => string,
  { deadlineMs, onError, preload }: LookupCacheOptions<T>,
): Lookup<T> {
  /** Null marks an id that does not exist. */
  const cache = new LRUCache<string, { readonly value: T | null }>({ max: MAX_VALUES, ttl: TTL_MS });
  const snapshotOptions = { maxRows: MAX_VALUES, maxAgeMs: TTL_MS, onError };
  const snapshot = preload && createTableSnapshot(preload, idOf, snapshotOptions);
  const loader = createLoader(async (ids) => {
    const found = new Map((await query(ids)).map((value) => [idOf(value), value]));
    for (const id of ids) cache.set(id, { value: found.get(id) ?? null });
  }, onError);

  /** Undefined when the value has to be queried. */
  const cachedValue = (id: string): T | null | undefined => {
    const value = snapshot?.(id);
    return value === undefined ? cache.get(id)?.value : value;
  };

  return async (ids) => {
    const missing = [...new Set(ids)].filter((id) => cachedValue(id) === undefined);
    const complete = missing.length === 0 || (await succeedsWithin(deadlineMs, loader.loadMany(missing)));
    const byId = new Map<string, T>();
    for (const id of ids) {
      const value = cachedValue(id);
      if (value) byId.set(id, value);
    }
    return { byId, complete };
  };
}

/**
 * Joins the ids of concurrent lookups into one query. The next query starts when the running one has ended.
 * @param fill queries ids and caches the result
 */
function createLoader(
  fill: (ids: readonly string[]) => Promise<void>,
  onError: (error: unknown) => void,
): DataLoader<string, void> {
  let running: Promise<unknown> = Promise.resolve();
  const loader = new DataLoader<string, void>(
    (ids) => {
      const filled = running.then(() => fill(ids));
      running = filled.catch(onError);
      // The loader must forget the ids: found values are cached by `fill`, and failed ones must be queried again.
      void running.then(() => ids.forEach((id) => loader.clear(id)));
      return filled.then(() => ids.map(() => undefined));
    },
    {
      maxBatchSize: MAX_IDS_PER_QUERY,
      batchScheduleFn: (dispatch) => setTimeout(() => void running.then(dispatch), BATCH_WINDOW_MS),
    },
  );
  return loader;
}

/** Whether a load ends in time and without an error. `loadMany` returns errors as results. */
async function succeedsWithin(ms: number, load: Promise<readonly unknown[]>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([load.then((results) => !results.some((one) => one instanceof Error)), late]);
  } finally {
    clearTimeout(timer);
  }
}
