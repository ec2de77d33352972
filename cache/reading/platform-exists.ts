import type { PlatformStats } from '../../domain/entities/platform-stats.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import type { ReadThrough } from './read-through.ts';
import { withTimeLimit } from '../../domain/values/abortable.ts';

/** False only if the lakehouse has neither KOLs nor content of a platform. Never rejects. */
export type PlatformMayExist = (platform: string) => Promise<boolean>;

/** A new platform is readable at most this long after it appears in the statistics. */
const KEEP_SECONDS = 30;
/** Interval of attempts while the statistics cannot be read. */
const RETRY_SECONDS = 5;

/**
 * Looks platforms up in the statistics, so that requests for unknown names start no query: the statistics are cached, and one query reads
 * them for all names. While they cannot be read, the previous names are used. Without any names every platform may exist.
 * @param waitSeconds how long requests wait for the statistics. The query continues after that, and also when clients disconnect, because
 *   all requests need its result
 */
export function createPlatformMayExist(
  readStats: ReadThrough<void, PlatformStats>,
  waitSeconds: number,
): PlatformMayExist {
  let names: ReadonlySet<string> | undefined;
  let reading: { readonly ended: Promise<void>; readonly startedAt: number } | undefined;
  let nextAt = -Infinity;

  /** Never rejects. */
  async function read(): Promise<void> {
    const stats = await readStats(undefined).catch(() => undefined);
    const found = stats && new Set(Object.keys(stats.value?.by_platform ?? {}));
    const isRight = stats !== undefined && !stats.refused;
    names = isRight ? found : (names ?? found);
    nextAt = performance.now() + (isRight ? KEEP_SECONDS : RETRY_SECONDS) * 1000;
    reading = undefined;
  }

  return async (platform) => {
    if (platform === ALL) return true;
    if (performance.now() >= nextAt) reading ??= { ended: read(), startedAt: performance.now() };
    if (reading !== undefined && names?.has(platform) !== true) {
      const { ended, startedAt } = reading;
      const leftSeconds = waitSeconds - (performance.now() - startedAt) / 1000;
      if (leftSeconds > 0) await withTimeLimit(leftSeconds, () => ended).catch(() => {});
    }
    return names?.has(platform) ?? true;
  };
}
