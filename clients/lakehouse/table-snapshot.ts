import { findShrunken } from '../../domain/warming/check-shrinkage.ts';
import { groupBy } from '../../domain/values/group-by.ts';

/** A snapshot is reloaded after this share of its maximum age. */
const RELOAD_SHARE = 0.8;
/** A load that failed, or that is not plausible, is repeated after this share. */
const RETRY_SHARE = 0.1;
/** A load that lost more than this has probably met a table that was being overwritten. */
const MAX_SHRINK_PERCENT = 50;

interface Snapshot<T> {
  readonly byId: ReadonlyMap<string, readonly T[]>;
  readonly rows: number;
  /** False when the table has more rows than are kept, or the load is not plausible: then a missing id may still exist. */
  readonly complete: boolean;
  readonly loadedAt: number;
}

/** @returns all rows of an id; undefined when the snapshot cannot tell */
type SnapshotLookup<T> = (id: string) => readonly T[] | undefined;

/**
 * Keeps an in-memory snapshot of a table. Loads it in the background now, and reloads it when a lookup finds it stale. A new
 * snapshot replaces the old one when it is loaded completely; a failed load keeps the old one until that is too old. A load without
 * rows, or with far fewer than before, is believed for the ids that it has; the next load, soon after, confirms it.
 * @param pages reads the table, ordered by id
 * @param maxRows of a larger table only the first rows are kept
 */
export function createTableSnapshot<T>(
  pages: () => AsyncIterable<readonly T[]>,
  idOf: (row: T) => string,
  { maxRows, maxAgeMs, onError }: { maxRows: number; maxAgeMs: number; onError: (error: unknown) => void },
): SnapshotLookup<T> {
  let snapshot: Snapshot<T> | undefined;
  let loadAt = -Infinity;

  async function load(): Promise<void> {
    const loadedAt = performance.now();
    const rows: T[] = [];
    let complete = true;
    for await (const page of pages()) {
      for (const row of page) rows.push(row);
      complete = rows.length <= maxRows;
      if (!complete) break;
    }
    const byId = groupBy(rows, idOf);
    const last = rows.at(-1);
    // The table may have more rows of the last id that was read.
    if (!complete && last !== undefined) byId.delete(idOf(last));
    const change = { what: 'rows', before: snapshot?.rows ?? 0, now: rows.length };
    const isPlausible = rows.length > 0 && findShrunken([change], MAX_SHRINK_PERCENT).length === 0;
    if (!isPlausible) retrySoon();
    snapshot = { byId, rows: rows.length, complete: complete && isPlausible, loadedAt };
  }

  function retrySoon(): void {
    loadAt = performance.now() + maxAgeMs * RETRY_SHARE;
  }

  function loadWhenStale(): void {
    const now = performance.now();
    if (now < loadAt) return;
    loadAt = now + maxAgeMs * RELOAD_SHARE;
    load().catch((error: unknown) => {
      retrySoon();
      onError(error);
    });
  }
  loadWhenStale();

  return (id) => {
    loadWhenStale();
    if (snapshot === undefined || performance.now() - snapshot.loadedAt >= maxAgeMs) return undefined;
    return snapshot.byId.get(id) ?? (snapshot.complete ? [] : undefined);
  };
}
