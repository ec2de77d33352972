/**
 * Runs work for several callers. Its signal aborts when the signals of all callers have aborted.
 * @param signals one for each caller; undefined for a caller that waits to the end
 */
export async function untilUnwanted<R>(
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const cancel = new AbortController();
  let wanted = signals.length;
  const leave = (signal: AbortSignal) => {
    wanted -= 1;
    if (wanted === 0) cancel.abort(signal.reason);
  };
  const onAbort = ({ target }: Event) => leave(target as AbortSignal);
  for (const signal of signals) {
    if (signal?.aborted) leave(signal);
    else signal?.addEventListener('abort', onAbort, { once: true });
  }
  try {
    return await work(cancel.signal);
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', onAbort);
  }
}
