import type { InputRecord, RecordSlice } from '../../clients/kafka/read-slice.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import type { RejectedRecord } from '../../domain/scoring/keep-newest.ts';
import type { OutputRecord } from '../../domain/scoring/output-record.ts';
import type { PhaseTimer } from './phase-timer.ts';

/** The records of a range, as input of the work on them. */
export interface RangeWork {
  readonly input: TopicPartition;
  readonly records: readonly InputRecord[];
  /** The records after this range, when they were read ahead and this worker will probably process them. */
  readonly next: Promise<RecordSlice> | undefined;
  readonly watermarkMs: number | null;
  readonly signal: AbortSignal;
  readonly time: PhaseTimer;
}

/** The result of the work on a range. Each record's offset is in exactly one of the four lists. */
export interface RangeResult {
  readonly done: readonly number[];
  readonly deadLetters: readonly RejectedRecord[];
  readonly late: readonly number[];
  readonly superseded: readonly number[];
  /** Records for output topics, other than dead letters and the ledger. */
  readonly outputs: readonly { readonly topic: string; readonly records: readonly OutputRecord[] }[];
  readonly maxEventTimeMs: number | null;
  /** Values that were not written because Redis has newer ones. */
  readonly outdated: number;
  /** Whether the lakehouse answered in time. */
  readonly enriched: boolean;
  readonly modelVersion: string | null;
}
