/**
 * Yields consecutive slices of `items` of at most `size` items, in order; nothing for an empty list.
 * @throws RangeError when `size` is not a positive integer, which would loop forever
 */
export function* inChunks<T>(items: readonly T[], size: number): Generator<readonly T[], void> {
  if (!Number.isInteger(size) || size < 1)
    throw new RangeError(`Chunk size must be a positive integer, not ${size}`);
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** Groups items by a key. Groups and their items keep the order of the items. (`Map.groupBy` needs Node 21.) */
export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
