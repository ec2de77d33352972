import type { PartMetadata } from '../entities/part-metadata.ts';

/** Columns that could not be read are read again after this time (ms): each time costs a read of the part. */
const CHECK_UNREADABLE_MS = 3_600_000;

/** Whether the lakehouse would return the same rows now as at the last read: same settings and same versions of the tables. */
export const isUnchanged = (
  lastRead: Pick<PartMetadata, 'versions' | 'shape'>,
  now: Pick<PartMetadata, 'versions' | 'shape'>,
): boolean =>
  lastRead.shape === now.shape &&
  Object.entries(now.versions).every(
    ([table, version]) => version !== null && lastRead.versions[table] === version,
  );

/**
 * Whether a part is to be read again although nothing has changed, because a column could not be read at the last read. The reason may have
 * been a fault of the storage that has passed since.
 */
export const isUnreadableDue = (
  { hasUnreadable, read_at }: Pick<PartMetadata, 'hasUnreadable' | 'read_at'>,
  now: Date,
): boolean => hasUnreadable === true && now.getTime() - Date.parse(read_at) >= CHECK_UNREADABLE_MS;
