import type { RedisClient } from '../../clients/redis.ts';
import { cacheMetadata, parsePartMetadata, type PartMetadata } from '../../domain/entities/part-metadata.ts';
import { isProfileOfWarm, isSetOfWarm } from '../../domain/warming/is-of-warm.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import type { ReportProblem } from './read-problem.ts';
import type { WarmOfValue } from './read-result.ts';

/** Interval of reading the records of the last warms, shared by all reads. */
const CHECK_EVERY_MS = 5000;

/**
 * The last warm of a part, if it wrote or confirmed the cached value. Its versions are such as `kol_profiles="snapshot 12 since
 * 2026-11-22T09:55:00.000Z"` (a dictionary of RFC 9651).
 * @param updatedAt the time at which the value was read from the lakehouse, ISO 8601
 */
export type LastWarms = (part: WarmPart, key: string, updatedAt: string) => WarmOfValue | undefined;

/** The record of the last warm of a part, and the versions of its tables. */
interface LastWarm {
  readonly json: string;
  readonly metadata: PartMetadata | null;
  readonly versions: string | undefined;
}

/**
 * Finds the warm of a value by the time of its read. The records are kept in memory and reloaded in the background, so that no read waits
 * for them. Until then a value may have no warm, but never a wrong one.
 */
export function createLastWarms(redis: RedisClient, reportProblem: ReportProblem): LastWarms {
  let warms: Readonly<Record<string, LastWarm>> = {};
  let checkedAt = -Infinity;

  async function check(): Promise<void> {
    try {
      const records = Object.entries(await redis.hgetall(cacheMetadata.key));
      warms = Object.fromEntries(
        records.map(([part, json]) => {
          const held = warms[part];
          return [part, held?.json === json ? held : lastWarmOf(json)] as const;
        }),
      );
    } catch (error) {
      reportProblem(cacheMetadata.key, 'source-version', error);
    }
  }

  return (part, key, updatedAt) => {
    if (performance.now() - checkedAt > CHECK_EVERY_MS) {
      checkedAt = performance.now();
      void check();
    }
    const { metadata, versions } = warms[part] ?? {};
    if (metadata == null) return undefined;
    const isOfWarm = part === 'profiles' ? isProfileOfWarm : isSetOfWarm;
    return isOfWarm(metadata, { key, updatedAt }) ? { versions, warmedAt: metadata.warmed_at } : undefined;
  };
}

/** The syntax of a known version. Text that another client has written must not break the header. */
const MEMBER = /^\w+="[\w .:-]+"$/;

function lastWarmOf(json: string): LastWarm {
  const metadata = parsePartMetadata(json);
  const known = Object.entries(metadata?.versions ?? {})
    .map(([table, version]) => `${table}="${version ?? ''}"`)
    .filter((member) => MEMBER.test(member));
  return { json, metadata, versions: known.length === 0 ? undefined : known.join(', ') };
}
