/**
 * Runs `work` with a controller of its own, which each of the parents aborts too. Rejects with a parent's
 * reason as soon as that parent is aborted. A failure of `work` aborts its controller, to stop the rest of what it started. `AbortSignal.any` is no
 * alternative: on Node 20 a parent that lives long keeps an entry for each call.
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
