import type { InputRecord } from '../../clients/kafka/read-records.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import type { Lateness, RejectedRecord } from '../../domain/scoring/keep-newest.ts';
import type { OutputRecord } from '../../domain/scoring/output-record.ts';
import type { PhaseTimer } from './phase-timer.ts';

/** The records of a micro-batch, as input of the work on them. */
export interface MicroBatch {
  readonly input: TopicPartition;
  readonly records: readonly InputRecord[];
  readonly lateness: Omit<Lateness, 'nowMs'>;
  /** When this attempt fenced the others of its partition: it orders the writes of attempts to Redis. */
  readonly fencedAtMs: number;
  /** The work is given up. */
  readonly signal: AbortSignal;
  /** The time of the slice is up: what is scored by now is committed. */
  readonly timeUp: AbortSignal;
  readonly time: PhaseTimer;
}

/** The results for a micro-batch. Nothing is written yet. Each record's offset is in exactly one of the four lists. */
export interface BatchResult {
  readonly done: readonly number[];
  readonly deadLetters: readonly RejectedRecord[];
  readonly superseded: readonly number[];
  readonly dropped: readonly number[];
  /** How many of the done ones were late. */
  readonly late: number;
  /** The lists are complete below this offset only, because the time was up; null when they are complete. */
  readonly cutAt: number | null;
  readonly newestEventMs: number | null;
  readonly modelVersion: string | null;
  /** Writes the results to Redis. A repetition does no harm. */
  write(): Promise<WrittenBatch>;
}

interface WrittenBatch {
  /** Values that were not written because Redis has newer ones. */
  readonly outdated: number;
  /** Records for scores.stream. */
  readonly scores: readonly ScoreOutput[];
}

/** The record of a score, and the offset of its event. */
export interface ScoreOutput {
  readonly offset: number;
  readonly record: OutputRecord;
}
