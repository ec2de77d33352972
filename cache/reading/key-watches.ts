import { EventEmitter } from 'node:events';

/** Wakes those who wait for a report of Redis on a key. */
export function createKeyWatches() {
  const reports = new EventEmitter().setMaxListeners(0);
  return {
    /** Begins to wait. `changed` aborts at the first report on one of these keys. */
    watch(keys: readonly string[]) {
      const change = new AbortController();
      const onReport = () => change.abort();
      for (const key of keys) reports.on(key, onReport);
      const end = (): void => keys.forEach((key) => reports.off(key, onReport));
      return { changed: change.signal, end };
    },
    report: (key: string): void => void reports.emit(key),
  };
}
