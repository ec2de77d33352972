/**
 * Shares runs of some work, one at a time. Each caller gets a run that begins after its call: callers during a run share the next one.
 * Rejects with the error of the work.
 */
export function shareNext<T>(work: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  const start = () => {
    next = undefined;
    return work();
  };
  return () => {
    if (next === undefined) last = next = last.then(start, start);
    return next;
  };
}
