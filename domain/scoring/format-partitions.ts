/** For example `partitions 0, 2 were`, as the beginning of a sentence about what became of them. */
export const formatPartitions = (partitions: readonly number[]): string =>
  partitions.length === 1 ? `partition ${partitions[0]} was` : `partitions ${partitions.join(', ')} were`;
