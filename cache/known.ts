import { LRUCache } from 'lru-cache';

/** What the lakehouse knows of the subjects of a batch. */
export interface Known<T> {
  readonly byId: ReadonlyMap<string, T>;
  /** False when Trino was down or over the deadline, so that `byId` has only what was kept from earlier. */
  readonly complete: boolean;
}

export type KnownOf<T> = (ids: readonly string[]) => Promise<Known<T>>;

/** Enough for every KOL of today several times over; features of that many take about 30 MB. */
const KEPT = 200_000;
const KEPT_MS = 10 * 60_000;

/**
 * Looks up what the hot path needs from the lakehouse, in one query for all ids that are not kept from earlier, unknown ids
 * included. It never throws and never takes longer than the deadline: an answer that comes later serves the next batch.
 */
export function createKnown<T>(
  look: (ids: readonly string[]) => Promise<readonly T[]>,
  idOf: (value: T) => string,
  { deadlineMs, onError }: { deadlineMs: number; onError: (error: unknown) => void },
): KnownOf<T> {
  const kept = new LRUCache<string, { value: T | null }>({ max: KEPT, ttl: KEPT_MS });

  async function keep(ids: readonly string[]): Promise<void> {
    const byId = new Map((await look(ids)).map((value) => [idOf(value), value]));
    for (const id of ids) kept.set(id, { value: byId.get(id) ?? null });
  }

  return async (ids) => {
    const missing = [...new Set(ids)].filter((id) => !kept.has(id));
    const complete = missing.length === 0 || (await within(deadlineMs, keep(missing), onError));
    const byId = new Map<string, T>();
    for (const id of ids) {
      const value = kept.get(id)?.value;
      if (value) byId.set(id, value);
    }
    return { byId, complete };
  };
}

/** Whether the work was done in time; a failure is told, not thrown. */
async function within(ms: number, work: Promise<void>, onError: (error: unknown) => void): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const done = work.then(
    () => true,
    (error: unknown) => {
      onError(error);
      return false;
    },
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
