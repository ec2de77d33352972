/** Next offset to read, by partition. */
export type OffsetsByPartition = Readonly<Record<string, number>>;

/** Partitions in which Kafka's committed offset was not what the loop knew. */
export interface OffsetDifferences {
  /** Kafka stood further: somebody else commits for this group. */
  readonly ahead: readonly number[];
  /** Kafka stood further back: somebody set it back, and those events are scored again. */
  readonly behind: readonly number[];
  /** Kafka had nothing any more, and was told what the loop knew. */
  readonly forgotten: readonly number[];
}

/**
 * Kafka's word counts; that it is another than before is worth knowing.
 * @param known as the loop saw it last; partitions that are not in it are new
 * @param committed as Kafka says now
 * @returns undefined where they agree
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
