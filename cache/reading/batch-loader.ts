import DataLoader from 'dataloader';
import { TrinoUnavailableError } from '../../clients/lakehouse/trino-errors.ts';
import { untilUnwanted } from '../../domain/values/until-unwanted.ts';

/** A batch collects ids until no new one has arrived for this time, which is short compared with the 200 ms of a query. */
const QUIET_MS = 5;
/** A batch starts after at most this time, even if ids keep arriving. */
const MAX_COLLECT_MS = 250;
/** A batch waits at most this long for the running query. Then a second query starts, because the first may hang. */
const PATIENCE_MS = 1000;
/** With two, one slow query does not block the others. Other misses join the next batch. */
const MAX_RUNNING = 2;
/** With this many ids of 256 characters, a statement is below Trino's limit of 1,000,000 characters. */
const MAX_IDS = 1500;
/** While a batch has waited longer than this, new misses fail immediately: their clients would not wait so long. */
const MAX_WAIT_MS = 5000;

/**
 * Combines concurrent look-ups of different ids into few queries, while queries run, ids collect for the next one. An aborted look-up is
 * left out of later queries, and a query is cancelled when all its look-ups have aborted.
 * @param loadMany returns the values that exist for these ids, in any order; if an id has several, the last one counts. Its signal cancels
 *   it
 * @returns a look-up of one id; null if there is no value. Rejects with the error of `loadMany`, the reason of its aborted signal, or
 *   TrinoUnavailableError while earlier look-ups have waited too long
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
    // Its query may have been cancelled, or may not include the id. Null would mean that the value does not exist.
    signal?.throwIfAborted();
    return loaded;
  };
}

interface LookUp {
  readonly id: string;
  /** Aborts when no caller needs the value. */
  readonly signal: AbortSignal | undefined;
}

interface Batch {
  readonly dispatch: () => void;
  readonly openedAt: number;
}

/** Decides when a batch stops collecting ids and becomes a query. */
function createBatchSchedule() {
  let running = 0;
  let lastArrivalAt = 0;
  /** Batches that collect ids or wait for their turn, oldest first. */
  const waiting: Batch[] = [];
  let timer: NodeJS.Timeout | undefined;
  const oldestWaitedMs = () => (waiting[0] === undefined ? 0 : performance.now() - waiting[0].openedAt);

  /** Milliseconds until the oldest batch may start, if no more ids arrive. */
  function delayMs(): number {
    const waited = oldestWaitedMs();
    if (running >= MAX_RUNNING) return Infinity;
    if (running > 0) return PATIENCE_MS - waited;
    // only the last batch still collects; earlier ones are full
    if (waiting.length > 1) return 0;
    return Math.min(MAX_COLLECT_MS - waited, lastArrivalAt + QUIET_MS - performance.now());
  }

  /** Starts the oldest batch if it may start; otherwise sets a timer to check again. */
  function advance(): void {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    const delay = delayMs();
    if (delay <= 0) {
      waiting.shift()?.dispatch();
      advance();
    } else if (delay !== Infinity) {
      // setImmediate lets Node read its sockets first, so requests that arrived while the process was busy still join.
      timer = setTimeout(() => setImmediate(advance), delay);
    }
  }

  return {
    add(dispatch: () => void): void {
      lastArrivalAt = performance.now();
      waiting.push({ dispatch, openedAt: lastArrivalAt });
      // Deferred, because DataLoader has not added the id yet. After a pause of the process the batch would start without it.
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
