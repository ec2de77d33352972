/** cache:metadata: when each part was last warmed, by which run, how many keys. One JSON value a part. */
export const cacheMetadata = {
  name: 'cache-metadata',
  ttlSeconds: 86_400,
  key: 'cache:metadata',
};

/** A set as the last warm left it. */
export interface WarmedSet {
  /** Members, as shrinkage counts them; 0 where it does not. */
  readonly size: number;
  readonly ttlSeconds: number;
  /** A single key that goes with the sets: renewed with them, but not replaced or removed as they are. */
  readonly beside?: boolean;
}

export interface PartMetadata {
  readonly warmed_at: string;
  readonly run_id: string;
  readonly trigger: string;
  readonly keys: number;
  /** When the lakehouse was last read for it; later warms may only have renewed the keys. */
  readonly read_at: string;
  readonly rows: number;
  /** Rows of each table that it is made of, as shrinkage counts them. */
  readonly tableRows: Readonly<Record<string, number>>;
  /** Snapshot of each table that was read; null where the table cannot tell, which counts as always changed. */
  readonly snapshots: Readonly<Record<string, string | null>>;
  /** What else decides the content, such as limits: as text that is only compared. */
  readonly shape: string;
  /** The sets by key; profiles are known by their `cached_at` instead, which is `read_at`. */
  readonly sets: Readonly<Record<string, WarmedSet>>;
}

/** Metadata of other writers, or of an earlier form, is none: the part is then read anew. */
export function parsePartMetadata(json: string | null): PartMetadata | null {
  if (json === null) return null;
  try {
    const value = JSON.parse(json) as Partial<PartMetadata> | null;
    const isOurs =
      typeof value?.read_at === 'string' &&
      typeof value.rows === 'number' &&
      typeof value.shape === 'string' &&
      isObject(value.tableRows) &&
      isObject(value.snapshots) &&
      isObject(value.sets);
    return isOurs ? (value as PartMetadata) : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** Whether rows read now would be the rows read then. */
export const isUnchanged = (
  then: Pick<PartMetadata, 'snapshots' | 'shape'>,
  now: Pick<PartMetadata, 'snapshots' | 'shape'>,
): boolean =>
  then.shape === now.shape &&
  Object.entries(now.snapshots).every(
    ([table, snapshot]) => snapshot !== null && then.snapshots[table] === snapshot,
  );
