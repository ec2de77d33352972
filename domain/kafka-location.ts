/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Offsets [from, to) of one partition. */
export interface OffsetRange extends TopicPartition {
  readonly from: number;
  readonly to: number;
}

/** One offset of one partition: where a record is, or where a group reads next. */
export interface RecordLocation extends TopicPartition {
  readonly offset: number;
}

/** The record of the event that a cached value was made from. */
export interface EventSource extends RecordLocation {
  /**
   * When the attempt that processed the record fenced its partition, ms since 1970. For the same record, the attempt with the later fence
   * wins. Older values do not have it.
   */
  readonly fenced_at_ms?: number;
}

/** An offset range of a topic that the context names. */
export type PartitionRange = Omit<OffsetRange, 'topic'>;

/** A record location in a topic that the context names. */
export type PartitionOffset = Omit<RecordLocation, 'topic'>;

/** `topic/partition/offset` */
export const formatLocation = ({ topic, partition, offset }: RecordLocation): string =>
  `${topic}/${partition}/${offset}`;

/** The start of a sentence, for example `partitions 0, 2 were`. */
export const formatPartitions = (partitions: readonly number[]): string =>
  partitions.length === 1 ? `partition ${partitions[0]} was` : `partitions ${partitions.join(', ')} were`;
