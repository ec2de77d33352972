import DataLoader from 'dataloader';

/** How long the first miss waits for others to share its query: little beside the 200 ms that a query takes. */
const WINDOW_MS = 5;
/** Ids in one query: Trino plans an IN list of this length in no time that could be measured. */
const MOST_IDS = 200;

/**
 * Concurrent look-ups of different ids become one query.
 * @param loadMany finds what there is of these ids, in any order
 * @returns a look-up of one id; null where there is no such thing. Rejects as `loadMany` does
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
      cache: false, // Redis is the cache, and one flight per key is kept by the read-through
      maxBatchSize: MOST_IDS,
      batchScheduleFn: (run) => setTimeout(run, WINDOW_MS),
    },
  );
  return (id) => loader.load(id);
}
