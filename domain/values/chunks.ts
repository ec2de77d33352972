/**
 * Yields consecutive slices of `items` of at most `size` items, in order; nothing for an empty list.
 * @throws RangeError when `size` is not a positive integer, which would loop forever
 */
export function* inChunks<T>(items: readonly T[], size: number): Generator<readonly T[], void> {
  if (!Number.isInteger(size) || size < 1)
    throw new RangeError(`Chunk size must be a positive integer, not ${size}`);
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
