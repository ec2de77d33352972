/** A key and when it was first heard of, in ms since 1970. */
export type RecentKey = readonly [key: string, atMs: number];

/** Keys heard of lately. */
export interface RecentKeys {
  /** Remembers the key. @returns whether it was new */
  add(key: string, nowMs: number): boolean;
  /** The key is new again. */
  forget(key: string): void;
  /** All that is remembered, oldest first. */
  entries(): RecentKey[];
}

/** Remembers keys for `forMs`, and `most` of them at once: the oldest are forgotten first. */
export function createRecentKeys(
  known: readonly RecentKey[],
  { forMs, most }: { readonly forMs: number; readonly most: number },
): RecentKeys {
  // In the order of their times, as they came.
  const keys = new Map(known);

  function forgetOld(nowMs: number): void {
    for (const [key, atMs] of keys) {
      if (keys.size <= most && nowMs - atMs < forMs) return;
      keys.delete(key);
    }
  }

  return {
    add(key, nowMs) {
      forgetOld(nowMs);
      if (keys.has(key)) return false;
      keys.set(key, nowMs);
      forgetOld(nowMs);
      return true;
    },
    forget: (key) => void keys.delete(key),
    entries: () => [...keys],
  };
}
