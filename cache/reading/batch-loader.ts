import DataLoader from 'dataloader';
import { TrinoUnavailableError } from '../../clients/lakehouse/trino-errors.ts';
import { untilUnwanted } from '../../domain/values/until-unwanted.ts';

/** A batch collects ids until none came for this long: short compared with the 200 ms that a query takes. */
const QUIET_MS = 5;
/** A batch starts after this time at the latest, even if ids keep arriving. */
const MAX_COLLECT_MS = 250;
/** A batch waits at most this long for the running query. Then a second query starts, because the first may hang. */
const PATIENCE_MS = 1000;
/** With two, a slow query does not stop the others. Further misses join the next batch. */
const MAX_RUNNING = 2;
/** A statement of so many ids of 256 characters is shorter than the 1,000,000 characters that Trino accepts. */
const MAX_IDS = 1500;
/** While a batch waits longer than this, new misses fail at once: their clients would not wait so long. */
const MAX_WAIT_MS = 5000;

/**
 * Combines concurrent look-ups of different ids into few queries, however many ids arrive: while queries run, ids collect for
 * the next one. A look-up whose signal has aborted takes no part in a query that starts later, and a query whose look-ups have all
 * aborted is cancelled.
 * @param loadMany returns the values that exist for these ids, in any order; of several for one id, the last counts. Its signal cancels it
 * @returns a look-up of one id; null where there is no value. Rejects as `loadMany` does, with the reason of a signal that has
 * aborted, or with TrinoUnavailableError while earlier look-ups have waited too long
 */
export function createBatchLoader<T>(
  loadMany: (ids: readonly string[], signal: AbortSignal) => Promise<readonly T[]>,
  idOf: (value: T) => string,
): (id: string, signal?: AbortSignal) => Promise<T | null> {
  const schedule = createBatchSchedule();
  const loader = new DataLoader<LookUp, T | null>(
    async (lookUps) => {
      const wanted = lookUps.filter(({ signal }) => signal?.aborted !== true);
      const query = (signal: AbortSignal) =>
        loadMany(
          wanted.map(({ id }) => id),
          signal,
        );
      const values =
        wanted.length === 0
          ? []
          : await schedule.run(() =>
              untilUnwanted(
                wanted.map((lookUp) => lookUp.signal),
                query,
              ),
            );
      const found = new Map(values.map((value) => [idOf(value), value]));
      return lookUps.map(({ id }) => found.get(id) ?? null);
    },
    {
      cache: false, // Redis is the cache, and the read-through shares concurrent reads of one key
      maxBatchSize: MAX_IDS,
      batchScheduleFn: (dispatch) => schedule.add(dispatch),
    },
  );
  return async (id, signal) => {
    signal?.throwIfAborted();
    if (schedule.waitedMs() > MAX_WAIT_MS)
      throw new TrinoUnavailableError('Trino is too slow: earlier look-ups still wait for their query');
    const loading = loader.load({ id, signal });
    schedule.noteArrival();
    const loaded = await loading;
    // Its query may have been cancelled, or have left it out. Null would say that the value does not exist.
    signal?.throwIfAborted();
    return loaded;
  };
}

interface LookUp {
  readonly id: string;
  /** Aborts when nobody needs the value. */
  readonly signal: AbortSignal | undefined;
}

interface Batch {
  readonly dispatch: () => void;
  readonly openedAt: number;
}

/** Decides when a batch of ids stops to collect and becomes a query. */
function createBatchSchedule() {
  let running = 0;
  let lastArrivalAt = 0;
  /** Batches that collect ids or wait for their turn, oldest first. */
  const waiting: Batch[] = [];
  let timer: NodeJS.Timeout | undefined;
  const oldestWaitedMs = () => (waiting[0] === undefined ? 0 : performance.now() - waiting[0].openedAt);

  /** Milliseconds until the oldest batch may start, as far as is known now. */
  function delayMs(): number {
    const waited = oldestWaitedMs();
    if (running >= MAX_RUNNING) return Infinity;
    if (running > 0) return PATIENCE_MS - waited;
    // Only the last batch still collects: one before it is full.
    if (waiting.length > 1) return 0;
    return Math.min(MAX_COLLECT_MS - waited, lastArrivalAt + QUIET_MS - performance.now());
  }

  /** Starts the oldest batch if it may start, else looks again when that can have changed. */
  function advance(): void {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    const delay = delayMs();
    if (delay <= 0) {
      waiting.shift()?.dispatch();
      advance();
    } else if (delay !== Infinity) {
      // After a timer Node first reads its sockets: requests that came while the process was busy still join.
      timer = setTimeout(() => setImmediate(advance), delay);
    }
  }

  return {
    add(dispatch: () => void): void {
      lastArrivalAt = performance.now();
      waiting.push({ dispatch, openedAt: lastArrivalAt });
      // Not now: DataLoader has not added the id yet. After a pause of the process the batch would be due, and start without the id.
      queueMicrotask(advance);
    },
    noteArrival(): void {
      lastArrivalAt = performance.now();
    },
    async run<T>(query: () => Promise<T>): Promise<T> {
      running += 1;
      try {
        return await query();
      } finally {
        running -= 1;
        advance();
      }
    },
    waitedMs: oldestWaitedMs,
  };
}
