import type { LogEnds } from '../../clients/kafka/read-errors.ts';
import type { InputRecord, ReadAhead } from '../../clients/kafka/read-records.ts';
import type { RecordReader } from '../../clients/kafka/record-reader.ts';
import type { OffsetRange, TopicPartition } from '../../domain/kafka-location.ts';
import type { Position } from '../../domain/scoring/find-position.ts';
import type { Lateness, RejectedRecord } from '../../domain/scoring/keep-newest.ts';
import type { OutputRecord } from '../../domain/scoring/output-record.ts';
import type { Phases } from '../../domain/scoring/partition-totals.ts';

/** Runs a named phase of a micro-batch and adds its duration. */
interface PhaseTimer {
  <T>(phase: keyof Phases, work: () => Promise<T>): Promise<T>;
  /** Duration of each phase so far, in whole milliseconds. */
  phases(): Phases;
}

function createPhaseTimer(): PhaseTimer {
  const spent: Partial<Record<keyof Phases, number>> = {};
  const time = async <T>(phase: keyof Phases, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await work();
    } finally {
      spent[phase] = (spent[phase] ?? 0) + Math.round(performance.now() - started);
    }
  };
  return Object.assign(time, { phases: () => ({ ...spent }) });
}

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

/** A micro-batch that is read and scored. Nothing is written yet, so it can be given up at any time. */
export interface PreparedBatch {
  readonly range: OffsetRange;
  readonly records: readonly InputRecord[];
  readonly result: BatchResult;
  readonly log: LogEnds;
  /** Records that were read beyond the batch, for the next one. */
  readonly readAhead: ReadAhead | null;
  readonly startedAtMs: number;
  readonly time: PhaseTimer;
}

/**
 * Reads the next records of a partition and works on them.
 * @returns undefined when there are no records yet
 */
export async function prepareBatch(
  reader: RecordReader,
  work: (batch: MicroBatch) => Promise<BatchResult>,
  { topic, partition }: TopicPartition,
  { offset: from, newestEventMs }: Position,
  {
    maxOffsets,
    readAhead,
    lateEvents,
    ...rest
  }: Pick<MicroBatch, 'fencedAtMs' | 'signal' | 'timeUp'> & {
    readonly maxOffsets: number;
    readonly readAhead: ReadAhead | null;
    readonly lateEvents: 'score' | 'drop';
  },
): Promise<PreparedBatch | undefined> {
  const startedAtMs = Date.now();
  const time = createPhaseTimer();
  const { records, to, log, ahead } = await time('read', () =>
    reader.read({ topic, partition, offset: from }, maxOffsets, { signal: rest.signal, ahead: readAhead }),
  );
  if (to === from) return undefined;
  const input = { topic, partition };
  const result = await work({ input, records, lateness: { newestEventMs, lateEvents }, ...rest, time });
  const prepared = {
    range: { ...input, from, to },
    records,
    result,
    log,
    readAhead: ahead,
    startedAtMs,
    time,
  };
  return result.cutAt === null ? prepared : cut(prepared, result.cutAt, newestEventMs);
}

/** The batch up to an offset. A slow model makes progress in this way. */
function cut(batch: PreparedBatch, to: number, newestEventMs: number | null): PreparedBatch | undefined {
  const { range, records, result } = batch;
  if (to === range.from) return undefined;
  return {
    ...batch,
    range: { ...range, to },
    records: records.filter(({ offset }) => offset < to),
    result: {
      ...result,
      deadLetters: result.deadLetters.filter(({ offset }) => offset < to),
      // Their newer event may be after the cut. Then it is in the next batch, and gets its outcome there.
      superseded: result.superseded.filter((offset) => offset < to),
      dropped: result.dropped.filter((offset) => offset < to),
      newestEventMs, // of events after the cut too, so it does not move yet
    },
  };
}
