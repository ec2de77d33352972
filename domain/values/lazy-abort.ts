/** An AbortController whose signal exists once it is asked for: Node takes 4 µs to create one, and most reads need none. */
export interface LazyAbort {
  readonly signal: AbortSignal;
  /** Aborts the signal, also one that is asked for later. */
  readonly abort: (reason: unknown) => void;
}

export function createLazyAbort(): LazyAbort {
  let controller: AbortController | undefined;
  let aborted: { readonly reason: unknown } | undefined;
  return {
    get signal() {
      if (controller === undefined) {
        controller = new AbortController();
        if (aborted !== undefined) controller.abort(aborted.reason);
      }
      return controller.signal;
    },
    abort(reason) {
      aborted ??= { reason };
      controller?.abort(reason);
    },
  };
}
