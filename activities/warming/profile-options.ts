import type { HotProfilesOptions } from '../../cache/popularity/select-hot-profiles.ts';

/** How the profiles are warmed; from the configuration. */
export interface ProfileOptions extends HotProfilesOptions {
  /** Rows that one split reads. */
  readonly rowsPerSplit: number;
  /** Splits that read Trino at the same time, over all workers. */
  readonly parallelSplits: number;
  /** Profiles per second that all splits write together; 0 for no limit. */
  readonly writesPerSecond: number;
  /** At least this many of the most followed KOLs of each platform are hot. */
  readonly perPlatform: number;
}

/**
 * Time that a rate-limited split may take to write its rows (s). Its query stays open meanwhile, and Trino ends a query after
 * TRINO_QUERY_TIMEOUT_SECONDS.
 */
export const SPLIT_SECONDS = 60;
