import type { Answer, ReadResult } from './read-result.ts';

/** Work in progress, by key. */
export interface Flights<T> {
  /** Joins the work for a key that runs, its error included, or starts it. */
  readonly share: (key: string, start: () => Promise<Answer<T>>) => Promise<ReadResult<T>>;
  readonly isRunning: (key: string) => boolean;
}

/** Concurrent work for one key shares one flight. */
export function createFlights<T>(): Flights<T> {
  const flights = new Map<string, Promise<Answer<T>>>();
  return {
    async share(key, start) {
      const running = flights.get(key);
      if (running !== undefined) return { ...(await running), collapsed: true };
      const flight = start().finally(() => flights.delete(key));
      flights.set(key, flight);
      return { ...(await flight), collapsed: false };
    },
    isRunning: (key) => flights.has(key),
  };
}
