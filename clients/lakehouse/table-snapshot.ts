/** A snapshot is reloaded after this share of its maximum age. */
const RELOAD_SHARE = 0.8;

interface Snapshot<T> {
  readonly byId: ReadonlyMap<string, T>;
  /** False when the table has more rows than are kept: then a missing id may still exist. */
  readonly complete: boolean;
  readonly loadedAt: number;
}

/** @returns the value of an id; null when the table does not have it; undefined when the snapshot cannot tell */
type SnapshotLookup<T> = (id: string) => T | null | undefined;

/**
 * Keeps an in-memory snapshot of a table. Loads it in the background now, and reloads it when a lookup finds it stale. A new
 * snapshot replaces the old one when it is loaded completely; a failed load keeps the old one until that is too old.
 * @param pages reads the table
 * @param maxRows of a larger table only the first rows are kept
 */
export function createTableSnapshot<T>(
  pages: () => AsyncIterable<readonly T[]>,
  idOf: (value: T) => string,
  { maxRows, maxAgeMs, onError }: { maxRows: number; maxAgeMs: number; onError: (error: unknown) => void },
): SnapshotLookup<T> {
  let snapshot: Snapshot<T> | undefined;
  let lastLoadAt = -Infinity;

  async function load(): Promise<void> {
    const loadedAt = performance.now();
    const byId = new Map<string, T>();
    for await (const page of pages()) {
      for (const value of page) byId.set(idOf(value), value);
      if (byId.size <= maxRows) continue;
      snapshot = { byId, complete: false, loadedAt };
      return;
    }
    snapshot = { byId, complete: true, loadedAt };
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
    return snapshot.byId.get(id) ?? (snapshot.complete ? null : undefined);
  };
}
