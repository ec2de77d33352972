/** A key and when it was first added, in ms since 1970. */
export type RecentKey = readonly [key: string, addedMs: number];

/** The keys that were added lately. */
interface RecentKeys {
  /** Adds the key. @returns whether it was new */
  add(key: string, nowMs: number): boolean;
  /** Removes the key, so that it is new again. */
  forget(key: string): void;
  /** All keys, oldest first. */
  entries(): RecentKey[];
}

/**
 * Remembers each key for `ttlMs`, and at most `maxKeys` keys: the oldest are forgotten first.
 * @param known keys of an earlier instance, oldest first
 */
export function createRecentKeys(
  known: readonly RecentKey[],
  { ttlMs, maxKeys }: { readonly ttlMs: number; readonly maxKeys: number },
): RecentKeys {
  // A Map keeps insertion order, so the oldest key is first.
  const keys = new Map(known);

  function forgetOld(nowMs: number): void {
    for (const [key, addedMs] of keys) {
      if (keys.size <= maxKeys && nowMs - addedMs < ttlMs) return;
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
