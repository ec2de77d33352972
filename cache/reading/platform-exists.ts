import type { PlatformStats } from '../../domain/entities/platform-stats.ts';
import { ALL } from '../../domain/values/platform.ts';
import type { ReadThrough } from './read-through.ts';

/** False only for a platform of which the lakehouse has neither KOLs nor content. Never rejects. @param signal of the caller */
export type PlatformMayExist = (platform: string, signal: AbortSignal) => Promise<boolean>;

/** A new platform is readable this long after the statistics name it. */
const KEEP_SECONDS = 30;

/**
 * Looks platforms up in the statistics, so that requests for made-up names start no query: the statistics are cached, and one
 * query reads them for all names. Without statistics every platform may exist.
 */
export function createPlatformMayExist(readStats: ReadThrough<void, PlatformStats>): PlatformMayExist {
  let known: { readonly names: ReadonlySet<string>; readonly readAt: number } | undefined;
  return async (platform, signal) => {
    if (platform === ALL) return true;
    if (known === undefined || performance.now() - known.readAt > KEEP_SECONDS * 1000) {
      const stats = await readStats(undefined, { client: { signal } }).catch(() => undefined);
      if (stats === undefined) return true;
      const names = new Set(Object.keys(stats.value?.by_platform ?? {}));
      if (stats.refused) return names.has(platform);
      known = { names, readAt: performance.now() };
    }
    return known.names.has(platform);
  };
}
