/** The ids of all KOLs are hashed into this many buckets; splits are ranges of buckets. */
export const HASH_BUCKETS = 4096;

/** The profiles whose hash bucket is in [from, to). */
export interface ProfileSplit {
  readonly from: number;
  readonly to: number;
}

/**
 * Splits of about equal size that can be read independently. Each one costs Trino a scan of the id column, so a split must be
 * large enough to be worth it, and small enough that a crash loses only seconds of work.
 * @param rows profiles in the lakehouse
 * @returns at least one split, at most HASH_BUCKETS
 */
export function profileSplits(rows: number, rowsPerSplit: number): ProfileSplit[] {
  const count = Math.min(HASH_BUCKETS, Math.max(1, Math.ceil(rows / rowsPerSplit)));
  const edge = (index: number) => Math.round((index * HASH_BUCKETS) / count);
  return Array.from({ length: count }, (_, index) => ({ from: edge(index), to: edge(index + 1) }));
}
