import type { PartMetadata } from '../entities/part-metadata.ts';

/** Whether the lakehouse would return the same rows now as at the last read: same settings and same table snapshots. */
export const isUnchanged = (
  lastRead: Pick<PartMetadata, 'snapshots' | 'shape'>,
  now: Pick<PartMetadata, 'snapshots' | 'shape'>,
): boolean =>
  lastRead.shape === now.shape &&
  Object.entries(now.snapshots).every(
    ([table, snapshot]) => snapshot !== null && lastRead.snapshots[table] === snapshot,
  );
