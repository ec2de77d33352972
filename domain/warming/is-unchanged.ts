import type { PartMetadata } from '../entities/part-metadata.ts';

/** Unreadable columns are read again after this time (ms). Each time costs a read of the part. */
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
 * Whether an unchanged part must be read again, because a column was unreadable at the last read. The cause may have been a temporary
 * storage fault.
 */
export const isUnreadableDue = (
  { hasUnreadable, read_at }: Pick<PartMetadata, 'hasUnreadable' | 'read_at'>,
  now: Date,
): boolean => hasUnreadable === true && now.getTime() - Date.parse(read_at) >= CHECK_UNREADABLE_MS;
