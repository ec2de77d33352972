/** Part of its time after which a copy is read anew. */
const EARLY = 0.8;

/** What was read of a whole table. */
interface Copy<T> {
  readonly byId: ReadonlyMap<string, T>;
  /** Whether that is all of it, so that what is not here is nowhere. */
  readonly whole: boolean;
  readonly readAt: number;
}

/** @returns the value of an id, null where there is none, undefined where that is to be looked up */
export type SnapshotLookup<T> = (id: string) => T | null | undefined;

/**
 * Keeps a copy of a table, read in the background now, and anew when it is wanted and growing old. A copy takes the place of
 * the one before when it has been read to its end; one that fails leaves that in place until it is too old.
 * @param pages reads the table
 * @param most rows that are kept; of a larger table these are the first
 * @param keptMs how old a copy may be
 */
export function createTableSnapshot<T>(
  pages: () => AsyncIterable<readonly T[]>,
  idOf: (value: T) => string,
  { most, keptMs, onError }: { most: number; keptMs: number; onError: (error: unknown) => void },
): SnapshotLookup<T> {
  let copy: Copy<T> | undefined;
  let begunAt = -Infinity;

  async function read(): Promise<void> {
    const readAt = performance.now();
    const byId = new Map<string, T>();
    for await (const page of pages()) {
      for (const value of page) byId.set(idOf(value), value);
      if (byId.size <= most) continue;
      copy = { byId, whole: false, readAt };
      return;
    }
    copy = { byId, whole: true, readAt };
  }

  function readWhenDue(): void {
    const now = performance.now();
    if (now - begunAt < keptMs * EARLY) return;
    begunAt = now;
    read().catch(onError);
  }
  readWhenDue();

  return (id) => {
    readWhenDue();
    if (copy === undefined || performance.now() - copy.readAt >= keptMs) return undefined;
    return copy.byId.get(id) ?? (copy.whole ? null : undefined);
  };
}
