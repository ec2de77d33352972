import type { PlatformStats } from '../../domain/entities/platform-stats.ts';
import { ALL } from '../../domain/values/platform.ts';
import type { ReadThrough } from './read-through.ts';

/**
 * Whether the lakehouse has KOLs or content of a platform. Rejects as the read of the statistics does.
 * @param signal aborts when the caller does not wait any more
 */
export type PlatformExists = (platform: string, signal: AbortSignal) => Promise<boolean>;

/** A new platform is readable this long after the statistics name it. */
const KEEP_SECONDS = 30;

/**
 * Looks platforms up in the statistics, so that requests for made-up names start no query: the statistics are cached, and one
 * query reads them for all names.
 */
export function createPlatformExists(readStats: ReadThrough<void, PlatformStats>): PlatformExists {
  let known: { readonly names: ReadonlySet<string>; readonly readAt: number } | undefined;
  return async (platform, signal) => {
    if (platform === ALL) return true;
    if (known === undefined || performance.now() - known.readAt > KEEP_SECONDS * 1000) {
      const { value, refused } = await readStats(undefined, { client: { signal } });
      const names = new Set(Object.keys(value?.by_platform ?? {}));
      if (refused) return names.has(platform);
      known = { names, readAt: performance.now() };
    }
    return known.names.has(platform);
  };
}
