import type { RecordReader } from '../../clients/kafka/record-reader.ts';
import type { LoopSettings, PartitionState } from '../../contract/scoring-loop.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import type { OpenPartitionDeps } from './open-partition.ts';
import type { RefreshVideosDeps } from './refresh-videos.ts';
import type { ScoreProfilesDeps } from './score-profiles.ts';

/** What a slice needs to know. */
export interface SliceArgs extends TopicPartition {
  readonly kind: EventKind;
  readonly group: string;
  readonly settings: Omit<LoopSettings, 'sliceSeconds'>;
  readonly sliceMs: number;
  /** The partition as the loop knows it. */
  readonly state: PartitionState;
  /** Partitions of the topic, as the loop knows them. When there are more, the slice ends. */
  readonly partitionCount: number;
}

/** What a slice reports to its loop. */
export interface SliceReport {
  readonly state: PartitionState;
  /** Partitions of the topic as the slice saw them last; what the loop knows when it saw none. */
  readonly partitionCount: number;
}

export interface ScorePartitionDeps extends OpenPartitionDeps, ScoreProfilesDeps, RefreshVideosDeps {
  readonly reader: RecordReader;
  /** Aborted when the worker starts to shut down. */
  readonly draining: AbortSignal;
}
