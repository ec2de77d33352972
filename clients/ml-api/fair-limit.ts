/** Runs work when it gets a permit, and returns its result. A caller with more work than others does not delay theirs. */
export type FairLimit = <T>(caller: string, work: () => Promise<T>) => Promise<T>;

/**
 * Limits how much work runs at the same time. Callers that wait get the free permits in turn, and each caller's work starts in
 * the order in which it came. A queue for all callers would make the one call of a quiet caller wait for all calls of a busy one.
 * @param concurrency number of permits
 */
export function createFairLimit(concurrency: number): FairLimit {
  /** The start functions of waiting work, by caller. The caller whose turn is next comes first. */
  const waiting = new Map<string, (() => void)[]>();
  let free = concurrency;

  function wait(caller: string): Promise<void> {
    return new Promise((start) => {
      const queue = waiting.get(caller);
      if (queue === undefined) waiting.set(caller, [start]);
      else queue.push(start);
    });
  }

  /** Hands a permit to the next caller; the caller joins the end of the line if it has more work. */
  function passPermitOn(): void {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
      return;
    }
    const [caller, queue] = next;
    const start = queue.shift();
    waiting.delete(caller);
    if (queue.length > 0) waiting.set(caller, queue);
    start?.();
  }

  return async (caller, work) => {
    if (free > 0) free -= 1;
    else await wait(caller);
    try {
      return await work();
    } finally {
      passPermitOn();
    }
  };
}
