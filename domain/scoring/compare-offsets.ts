/** Next offset to read, by partition. */
export type OffsetsByPartition = Readonly<Record<string, number>>;

/** Partitions whose committed offset in Kafka differs from the one that the loop knew. */
export interface OffsetDifferences {
  /** Kafka's offset is higher: something else commits for this group. */
  readonly ahead: readonly number[];
  /** Kafka's offset is lower: an operator reset it, and the events from there are scored again. */
  readonly behind: readonly number[];
  /** Kafka no longer had an offset; the loop committed the one that it knew. */
  readonly forgotten: readonly number[];
}

/**
 * Compares the offsets that the loop knew with those in Kafka. Kafka's offsets are the truth; a difference is reported.
 * @param known as the loop saw them last; partitions that are missing in it are new
 * @param committed as Kafka has them now
 * @returns undefined when there is no difference
 */
export function compareOffsets(
  known: OffsetsByPartition,
  committed: OffsetsByPartition,
  forgotten: readonly number[],
): OffsetDifferences | undefined {
  const partitionsWhere = (differs: (now: number, before: number) => boolean): number[] =>
    Object.entries(committed)
      .filter(([partition, now]) => differs(now, known[partition] ?? now))
      .map(([partition]) => Number(partition));
  const ahead = partitionsWhere((now, before) => now > before);
  const behind = partitionsWhere((now, before) => now < before);
  return ahead.length + behind.length + forgotten.length === 0 ? undefined : { ahead, behind, forgotten };
}
