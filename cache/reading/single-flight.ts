/** Runs the same work once at a time: whoever asks for a key while its work runs shares the result, error included. */
export interface SingleFlight<T> {
  /** @returns the result, and whether it is another caller's (`collapsed`, in the words of RFC 9211) */
  share(key: string, work: () => Promise<T>): Promise<{ result: T; collapsed: boolean }>;
}

export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Promise<T>>();
  return {
    async share(key, work) {
      const flying = flights.get(key);
      if (flying) return { result: await flying, collapsed: true };
      const flight = work();
      flights.set(key, flight);
      try {
        return { result: await flight, collapsed: false };
      } finally {
        flights.delete(key);
      }
    },
  };
}
