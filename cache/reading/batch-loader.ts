import DataLoader from 'dataloader';

/** How long the first miss waits for others to share its query: short compared with the 200 ms that a query takes. */
const WINDOW_MS = 5;
/** Ids in one query: the time that Trino needs to plan an IN list of this length is too short to measure. */
const MAX_IDS = 200;

/**
 * Combines concurrent look-ups of different ids into one query.
 * @param loadMany returns the values that exist for these ids, in any order
 * @returns a look-up of one id; null where there is no value. Rejects as `loadMany` does
 */
export function createBatchLoader<T>(
  loadMany: (ids: readonly string[]) => Promise<readonly T[]>,
  idOf: (value: T) => string,
): (id: string) => Promise<T | null> {
  const loader = new DataLoader<string, T | null>(
    async (ids) => {
      const found = new Map((await loadMany(ids)).map((value) => [idOf(value), value]));
      return ids.map((id) => found.get(id) ?? null);
    },
    {
      cache: false, // Redis is the cache, and the read-through shares concurrent reads of one key
      maxBatchSize: MAX_IDS,
      batchScheduleFn: (run) => setTimeout(run, WINDOW_MS),
    },
  );
  return (id) => loader.load(id);
}
