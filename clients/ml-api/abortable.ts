/**
 * Runs `work` with a controller of its own, which the parent aborts too. Rejects with the parent's reason as soon as the parent is
 * aborted. A failure of `work` aborts its controller, to stop the rest of what it started. `AbortSignal.any` is no alternative: on Node 20
 * a parent that lives long keeps an entry for each call.
 */
export async function abortable<T>(
  parent: AbortSignal | undefined,
  work: (own: AbortController) => Promise<T>,
): Promise<T> {
  parent?.throwIfAborted();
  const own = new AbortController();
  let onAbort = () => {};
  const parentAborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      own.abort(parent?.reason);
      reject(parent?.reason as Error);
    };
  });
  parent?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(own), parentAborted]);
  } catch (error) {
    own.abort();
    throw error;
  } finally {
    parent?.removeEventListener('abort', onAbort);
  }
}
