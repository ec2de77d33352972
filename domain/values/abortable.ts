/**
 * Runs `work` with its own controller, which aborts when one of the parents aborts. Rejects with the reason of a parent as soon as that
 * parent aborts. A failure of `work` also aborts its controller, to stop its remaining calls. `AbortSignal.any` is no alternative: on Node
 * 20 a long-lived parent keeps an entry for each call.
 */
export async function abortable<T>(
  parents: readonly (AbortSignal | undefined)[],
  work: (own: AbortController) => Promise<T>,
): Promise<T> {
  for (const parent of parents) parent?.throwIfAborted();
  const own = new AbortController();
  let onAbort = () => {};
  const parentAborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      const reason = parents.find((parent) => parent?.aborted)?.reason as Error;
      reject(reason);
      own.abort(reason);
    };
  });
  for (const parent of parents) parent?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(own), parentAborted]);
  } catch (error) {
    own.abort();
    throw error;
  } finally {
    for (const parent of parents) parent?.removeEventListener('abort', onAbort);
  }
}

/** Work took longer than its caller waits for it. */
export class TimeLimitError extends Error {
  readonly code = 'TIME_LIMIT';
  constructor(seconds: number) {
    super(`no answer within ${seconds} s`);
    this.name = 'TimeLimitError';
  }
}

/**
 * Waits for work with a time limit. The signal of the work aborts at the limit, or when the signal of the caller aborts.
 * @param timeIsUp the error at the limit, which is also the reason of the signal
 * @throws that error, the reason of the caller's signal, or what the work throws
 */
export async function withTimeLimit<T>(
  seconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  caller?: AbortSignal,
  timeIsUp: () => Error = () => new TimeLimitError(seconds),
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(timeIsUp()), seconds * 1000);
  try {
    return await abortable([caller, limit.signal], ({ signal }) => work(signal));
  } finally {
    clearTimeout(timer);
  }
}
