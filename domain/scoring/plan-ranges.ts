import type { PartitionRange } from '../kafka-location.ts';

/** How far the group has read a partition, and which offsets the partition has. */
export interface PartitionProgress {
  readonly partition: number;
  /** Next offset to read. */
  readonly committed: number;
  /** First offset still in the log. */
  readonly low: number;
  /** Last stable offset: read-committed readers get everything below it. */
  readonly high: number;
}

/** A planned micro-batch. */
interface Plan {
  readonly ranges: PartitionRange[];
  /** Offsets up to the end of the log, this batch included, expired ones not counted. */
  readonly lag: number;
  /** Offsets that retention deleted before they were read. */
  readonly expired: number;
  /** Partitions whose log ends before the committed offset, because it was recreated or truncated. They wait for a seek. */
  readonly truncated: number[];
}

/**
 * Plans a micro-batch of at most `maxOffsets`. Partitions get equal shares, so that none waits behind a longer one; a partition
 * with less than its share leaves the rest to the others.
 */
export function planRanges(partitions: readonly PartitionProgress[], maxOffsets: number): Plan {
  const truncated = partitions.filter(({ committed, high }) => committed > high);
  const readable = partitions
    .filter(({ committed, high }) => committed <= high)
    .map(({ partition, committed, low, high }) => {
      const from = Math.max(committed, low);
      return { partition, from, count: Math.max(0, high - from), expired: Math.max(0, from - committed) };
    });
  return {
    ranges: shareOffsets(readable, maxOffsets),
    lag: readable.reduce((sum, { count }) => sum + count, 0),
    expired: readable.reduce((sum, { expired }) => sum + expired, 0),
    truncated: truncated.map(({ partition }) => partition),
  };
}

/** @param readable next offset and number of offsets to read, by partition */
function shareOffsets(
  readable: readonly { partition: number; from: number; count: number }[],
  maxOffsets: number,
): PartitionRange[] {
  const shortestFirst = readable.filter(({ count }) => count > 0).sort((a, b) => a.count - b.count);
  const ranges: PartitionRange[] = [];
  let offsetsLeft = maxOffsets;
  for (const [index, { partition, from, count }] of shortestFirst.entries()) {
    const partitionsLeft = shortestFirst.length - index;
    const share = Math.floor(offsetsLeft / partitionsLeft) || Math.min(offsetsLeft, 1);
    const taken = Math.min(count, share);
    if (taken > 0) ranges.push({ partition, from, to: from + taken });
    offsetsLeft -= taken;
  }
  return ranges.sort((a, b) => a.partition - b.partition);
}
