/**
 * Shares runs of some work, one at a time. Each caller gets a run that begins after its call: those who call during a run share the next one.
 * It rejects as the work does.
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
