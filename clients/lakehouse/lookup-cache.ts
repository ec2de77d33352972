import DataLoader from 'dataloader';
import { LRUCache } from 'lru-cache';
import { createTableSnapshot } from './table-snapshot.ts';

/** What the lakehouse knows of the subjects of a range. */
export interface LookupResult<T> {
  readonly byId: ReadonlyMap<string, T>;
  /** False when Trino was down or over the deadline, so that `byId` has only what was kept from earlier. */
  readonly complete: boolean;
}

export type Lookup<T> = (ids: readonly string[]) => Promise<LookupResult<T>>;

/** Enough for every KOL of today several times over; features of that many take about 60 MB. */
const KEPT = 200_000;
const KEPT_MS = 10 * 60_000;
/** Ranges of a batch begin within a few milliseconds of each other: their ids go into one query. */
const WINDOW_MS = 5;
const MOST_IDS = 5000;

/**
 * Looks up what the hot path needs from the lakehouse, in one query for all ids that are not kept from earlier, unknown ids
 * included. It never throws and never takes longer than the deadline: an answer that comes later serves the next batch.
 * One query is on its way at a time, and no id is asked for twice meanwhile: a slow Trino is not buried under more of them.
 * @param preload pages of all there is: while a copy of it is kept nothing is asked for, and who is not in it is unknown
 */
export function createLookupCache<T>(
  look: (ids: readonly string[]) => Promise<readonly T[]>,
  idOf: (value: T) => string,
  {
    deadlineMs,
    onError,
    preload,
  }: {
    deadlineMs: number;
    onError: (error: unknown) => void;
    preload?: () => AsyncIterable<readonly T[]>;
  },
): Lookup<T> {
  const kept = new LRUCache<string, { readonly value: T | null }>({ max: KEPT, ttl: KEPT_MS });
  let latest: Promise<unknown> = Promise.resolve();

  const loader = new DataLoader<string, void>(
    (ids) => {
      const query = latest.then(async () => {
        const found = new Map((await look(ids)).map((value) => [idOf(value), value]));
        for (const id of ids) kept.set(id, { value: found.get(id) ?? null });
      });
      latest = query.catch(onError);
      // What was looked up is kept above, what failed is to be asked again: the loader itself only joins askers.
      void latest.then(() => ids.forEach((id) => loader.clear(id)));
      return query.then(() => ids.map(() => undefined));
    },
    {
      maxBatchSize: MOST_IDS,
      batchScheduleFn: (run) => setTimeout(() => void latest.then(run), WINDOW_MS),
    },
  );

  const preloaded = preload && createTableSnapshot(preload, idOf, { most: KEPT, keptMs: KEPT_MS, onError });
  const valueOf = (id: string): T | null | undefined => {
    const value = preloaded?.(id);
    return value === undefined ? kept.get(id)?.value : value;
  };

  return async (ids) => {
    const missing = [...new Set(ids)].filter((id) => valueOf(id) === undefined);
    const complete = missing.length === 0 || (await within(deadlineMs, loader.loadMany(missing)));
    const byId = new Map<string, T>();
    for (const id of ids) {
      const value = valueOf(id);
      if (value) byId.set(id, value);
    }
    return { byId, complete };
  };
}

/** Whether the look-up was done in time, and without an error (which `loadMany` gives as a result). */
async function within(ms: number, work: Promise<readonly unknown[]>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then((results) => !results.some((one) => one instanceof Error)), late]);
  } finally {
    clearTimeout(timer);
  }
}
