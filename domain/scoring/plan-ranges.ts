/** Failure type of a plan that Kafka no longer agrees with: the loop plans anew instead of trying again. */
export const STALE_PLAN = 'StalePlan';

/** What planning needs to know of a partition. Offsets are the next to read. */
export interface Position {
  readonly partition: number;
  readonly committed: number;
  /** First offset still in the log. */
  readonly low: number;
  /** Read-committed readers get everything below. */
  readonly high: number;
}

/** Offsets [from, to) of one partition. */
export interface PartitionRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export interface Plan {
  readonly ranges: PartitionRange[];
  /** Offsets behind the end, before this batch, expired ones not counted. */
  readonly lag: number;
  /** Offsets that retention removed before they were read. */
  readonly expired: number;
  /** Partitions whose log ends before the committed offset: recreated or truncated; they wait for a seek. */
  readonly truncated: number[];
}

/**
 * Plans a micro-batch of at most `maxOffsets`, shared out evenly: no partition waits behind a longer one, and what a
 * short one leaves goes to the others.
 */
export function planRanges(positions: readonly Position[], maxOffsets: number): Plan {
  const truncated = positions
    .filter(({ committed, high }) => committed > high)
    .map(({ partition }) => partition);
  const available = positions
    .filter(({ committed, high }) => committed <= high)
    .map(({ partition, committed, low, high }) => {
      const from = Math.max(committed, low);
      return { partition, from, count: Math.max(0, high - from), expired: Math.max(0, from - committed) };
    });
  const ranges: PartitionRange[] = [];
  let left = maxOffsets;
  let waiting = available.filter(({ count }) => count > 0).sort((a, b) => a.count - b.count);
  while (waiting.length > 0) {
    const [next, ...others] = waiting;
    if (next === undefined) break;
    const share = Math.min(next.count, Math.floor(left / waiting.length) || Math.min(left, 1));
    if (share > 0) ranges.push({ partition: next.partition, from: next.from, to: next.from + share });
    left -= share;
    waiting = others;
  }
  return {
    ranges: ranges.sort((a, b) => a.partition - b.partition),
    lag: available.reduce((sum, { count }) => sum + count, 0),
    expired: available.reduce((sum, { expired }) => sum + expired, 0),
    truncated,
  };
}
