import type { CacheEntry } from '../schema/entry.ts';

/** cache:metadata: a hash with one JSON value for each part: the time, run and number of keys of its last warm. */
export const cacheMetadata = {
  name: 'cache-metadata',
  ttlSeconds: 86_400,
  key: 'cache:metadata',
};

/** The `shape` of the part `profiles` when all of them are kept warm. */
export const ALL_PROFILES = 'all';

/** A set that the last warm wrote. */
interface WarmedSet {
  /** Number of members for the shrinkage check; 0 if the check ignores this key. */
  readonly size: number;
  readonly ttlSeconds: number;
  /** Its Redis type. Only a key of this type is renewed. */
  readonly type?: CacheEntry['type'];
  /** When its read began: the time of Redis in microseconds. Only a set of this read is renewed. */
  readonly readAt?: number;
  /** A key that belongs to a set: a warm refreshes its TTL with the sets, but does not replace or remove it like a set. */
  readonly refreshOnly?: boolean;
}

export interface PartMetadata {
  readonly warmed_at: string;
  readonly run_id: string;
  readonly trigger: string;
  readonly keys: number;
  /** When a warm last read the lakehouse for this part; later warms may only have refreshed the TTLs. */
  readonly read_at: string;
  /** Profiles: `cached_at` of the oldest rows that belong to these versions. `read_at` where it is missing. */
  readonly oldest_read_at?: string;
  readonly rows: number;
  /** Rows of each table that the part reads, for the shrinkage check. */
  readonly tableRows: Readonly<Record<string, number>>;
  /** Version of each table that was read, as text; null when it is unknown, which counts as always changed. */
  readonly versions: Readonly<Record<string, string | null>>;
  /** A column was cached as unknown, because Trino could not read it. */
  readonly hasUnreadable?: boolean;
  /** The settings that decide the content, such as limits, as text that is only compared. */
  readonly shape: string;
  /** The sets by key. Profiles are not listed here: their field `cached_at` equals `read_at`. */
  readonly sets: Readonly<Record<string, WarmedSet>>;
}

/** @returns null for the metadata of other writers or of an earlier format; the part is then read from the lakehouse again */
export function parsePartMetadata(json: string | null): PartMetadata | null {
  if (json === null) return null;
  try {
    const value = JSON.parse(json) as Partial<PartMetadata> | null;
    const isValid =
      typeof value?.read_at === 'string' &&
      typeof value.rows === 'number' &&
      typeof value.shape === 'string' &&
      isObject(value.tableRows) &&
      isObject(value.versions) &&
      isObject(value.sets);
    return isValid ? (value as PartMetadata) : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
