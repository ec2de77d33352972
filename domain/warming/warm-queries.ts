/** How the warms of a worker share their Trino queries. */
interface WarmQueries {
  /** Queries that run at the same time on a worker. */
  readonly concurrency: number;
  /** Splits of all profiles that run at the same time, over all workers. */
  readonly parallelSplits: number;
}

/**
 * Splits at a limited rate hold their queries for up to a minute, so one query is left to the other parts, also when all splits run on one
 * worker.
 * @param limit queries of a worker, as configured; at least 2 are needed
 */
export function shareQueries(limit: number): WarmQueries {
  const concurrency = Math.max(2, limit);
  return { concurrency, parallelSplits: concurrency - 1 };
}
