import { groupBy } from '../../domain/values/group-by.ts';

/** A snapshot is reloaded after this share of its maximum age. */
const RELOAD_SHARE = 0.8;

interface Snapshot<T> {
  readonly byId: ReadonlyMap<string, readonly T[]>;
  /** False when the table has more rows than are kept: then a missing id may still exist. */
  readonly complete: boolean;
  readonly loadedAt: number;
}

/** @returns all rows of an id; undefined when the snapshot cannot tell */
type SnapshotLookup<T> = (id: string) => readonly T[] | undefined;

/**
 * Keeps an in-memory snapshot of a table. Loads it in the background now, and reloads it when a lookup finds it stale. A new
 * snapshot replaces the old one when it is loaded completely; a failed load keeps the old one until that is too old.
 * @param pages reads the table, ordered by id
 * @param maxRows of a larger table only the first rows are kept
 */
export function createTableSnapshot<T>(
  pages: () => AsyncIterable<readonly T[]>,
  idOf: (row: T) => string,
  { maxRows, maxAgeMs, onError }: { maxRows: number; maxAgeMs: number; onError: (error: unknown) => void },
): SnapshotLookup<T> {
  let snapshot: Snapshot<T> | undefined;
  let lastLoadAt = -Infinity;

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
    snapshot = { byId, complete, loadedAt };
  }

  function loadWhenStale(): void {
    const now = performance.now();
    if (now - lastLoadAt < maxAgeMs * RELOAD_SHARE) return;
    lastLoadAt = now;
    load().catch(onError);
  }
  loadWhenStale();

  return (id) => {
    loadWhenStale();
    if (snapshot === undefined || performance.now() - snapshot.loadedAt >= maxAgeMs) return undefined;
    return snapshot.byId.get(id) ?? (snapshot.complete ? [] : undefined);
  };
}
