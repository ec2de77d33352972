import type { PartMetadata } from '../entities/part-metadata.ts';

/** Whether the lakehouse would return the same rows now as at the last read: same settings and same versions of the tables. */
export const isUnchanged = (
  lastRead: Pick<PartMetadata, 'versions' | 'shape'>,
  now: Pick<PartMetadata, 'versions' | 'shape'>,
): boolean =>
  lastRead.shape === now.shape &&
  Object.entries(now.versions).every(
    ([table, version]) => version !== null && lastRead.versions[table] === version,
  );
