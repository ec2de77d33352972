import { abortable } from './abortable.ts';
import { LazyAbort } from './lazy-abort.ts';

/** Work in progress, by key. */
export interface Flights<R extends object> {
  /**
   * Joins the running work for a key (also if it fails), or starts it. The signal of the work aborts when all callers have left.
   * @param signal when it aborts, the caller leaves and `share` rejects with its reason. Without it, the caller waits to the end
   */
  readonly share: (
    key: string,
    start: (flight: Pick<LazyAbort, 'signal'>) => Promise<R>,
    signal?: AbortSignal,
  ) => Promise<R & { readonly collapsed: boolean }>;
  readonly isRunning: (key: string) => boolean;
}

interface Flight<R> {
  readonly result: Promise<R>;
  readonly cancel: LazyAbort;
  waiters: number;
}

/** Shares concurrent work for the same key, as long as a caller waits for it. */
export function createFlights<R extends object>(): Flights<R> {
  const flights = new Map<string, Flight<R>>();

  function remove(key: string, flight: Flight<R>): void {
    if (flights.get(key) === flight) flights.delete(key);
  }

  function open(key: string, start: Parameters<Flights<R>['share']>[1]): Flight<R> {
    const cancel = new LazyAbort();
    const result = start(cancel).finally(() => remove(key, flight));
    const flight: Flight<R> = { result, cancel, waiters: 0 };
    flights.set(key, flight);
    return flight;
  }

  /** Cancels the work; later readers of the key start new work. */
  function leave(key: string, flight: Flight<R>, reason: unknown): void {
    flight.waiters -= 1;
    if (flight.waiters > 0) return;
    remove(key, flight);
    flight.cancel.abort(reason);
  }

  return {
    async share(key, start, signal) {
      signal?.throwIfAborted();
      const running = flights.get(key);
      const flight = running ?? open(key, start);
      flight.waiters += 1;
      try {
        const result = await (signal === undefined
          ? flight.result
          : abortable([signal], () => flight.result));
        return { ...result, collapsed: running !== undefined };
      } catch (error) {
        if (signal?.aborted) leave(key, flight, signal.reason);
        throw error;
      }
    },
    isRunning: (key) => flights.has(key),
  };
}
