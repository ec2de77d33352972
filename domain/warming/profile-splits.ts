/** Buckets that the ids of all KOLs are hashed into; splits are ranges of them. */
export const HASH_BUCKETS = 4096;

/** A share of the profiles: those whose bucket is in [from, to). */
export interface ProfileSplit {
  readonly from: number;
  readonly to: number;
}

/**
 * Shares of about equal size that can be read on their own. Each costs Trino a scan of the id column, so they are no smaller than
 * makes up for that; and losing one to a crash should cost seconds.
 * @param rows profiles in the lakehouse
 */
export function profileSplits(rows: number, rowsPerSplit: number): ProfileSplit[] {
  const count = Math.min(HASH_BUCKETS, Math.max(1, Math.ceil(rows / rowsPerSplit)));
  const edge = (index: number) => Math.round((index * HASH_BUCKETS) / count);
  return Array.from({ length: count }, (_, index) => ({ from: edge(index), to: edge(index + 1) }));
}
