/** After this time a batch in flight is cut to what the model has scored. */
const CUT_AFTER_MS = 500;
/** After this time the slice reports, whatever still runs. The fence of the next slice ends it. */
const OVER_AFTER_MS = 6000;

/** The end of a slice. */
export interface SliceTime {
  /** No further batch begins: the time is up, the loop has cancelled the slice, or the worker shuts down. */
  readonly ending: AbortSignal;
  /** A batch in flight is cut to what the model has scored. */
  readonly cut: AbortSignal;
  /** What still runs is given up. */
  readonly over: AbortSignal;
  /** Gives up what still runs, and frees the timers. */
  close(): void;
}

/** @param stops signals that end the slice earlier */
export function startSliceTime(sliceMs: number, stops: readonly AbortSignal[]): SliceTime {
  const ending = new AbortController();
  const cut = new AbortController();
  const over = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  const end = () => {
    if (ending.signal.aborted) return;
    ending.abort();
    timers.push(
      setTimeout(() => cut.abort(), CUT_AFTER_MS),
      setTimeout(() => over.abort(new Error('the slice is over')), OVER_AFTER_MS),
    );
  };
  timers.push(setTimeout(end, sliceMs));
  for (const stop of stops) {
    if (stop.aborted) end();
    stop.addEventListener('abort', end, { once: true });
  }
  return {
    ending: ending.signal,
    cut: cut.signal,
    over: over.signal,
    close() {
      timers.forEach(clearTimeout);
      for (const stop of stops) stop.removeEventListener('abort', end);
      over.abort(new Error('the slice is over'));
    },
  };
}
