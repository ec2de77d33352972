import type { LogEnds } from '../../clients/kafka/read-errors.ts';
import type { ReadAhead, RecordReader } from '../../clients/kafka/record-reader.ts';
import type { LoopSettings } from '../../contract/scoring-loop.ts';
import type { EventSource, OffsetRange } from '../../domain/kafka-location.ts';
import type { LogRecord, OutputRecord } from '../../domain/kafka-record.ts';
import type { Position } from '../../domain/scoring/find-position.ts';
import { outcomesIn, type Lateness, type Outcomes } from '../../domain/scoring/keep-newest.ts';
import type { Phases } from '../../domain/scoring/partition-totals.ts';

/** Runs a phase of a micro-batch and adds its duration, in whole milliseconds. */
export async function timed<T>(phases: Phases, phase: keyof Phases, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    return await work();
  } finally {
    phases[phase] = (phases[phase] ?? 0) + Math.round(performance.now() - started);
  }
}

/** The records of a micro-batch, as input of the work on them. */
export interface MicroBatch {
  /** The partition, and when this attempt fenced the others: that orders the writes of attempts to Redis. */
  readonly input: Required<Omit<EventSource, 'offset'>>;
  readonly records: readonly LogRecord[];
  readonly lateness: Lateness;
  /** The work is given up. */
  readonly signal: AbortSignal;
  /** The time of the slice is up: what is scored by now is committed. */
  readonly timeUp: AbortSignal;
  readonly phases: Phases;
}

/** The results for a micro-batch. Nothing is written yet. */
export interface BatchResult extends Outcomes {
  /** How many of the scored ones were late. */
  readonly late: number;
  /** The lists are complete below this offset only, because the time was up; null when they are complete. */
  readonly cutAt: number | null;
  readonly newestEventMs: number | null;
  readonly modelVersion: string | null;
  /** Writes the results to Redis. A repetition does no harm. */
  write(): Promise<WrittenBatch>;
}

interface WrittenBatch {
  /** Values that were not written, because Redis has newer ones or the KOL was erased. */
  readonly outdated: number;
  /** Records for scores.stream. */
  readonly scores: readonly ScoreOutput[];
}

/** The record of a score, and that of its event. */
export interface ScoreOutput {
  readonly record: LogRecord;
  readonly message: OutputRecord;
}

/** A micro-batch that is read and scored. Nothing is written yet, so it can be given up at any time. */
export interface PreparedBatch {
  readonly range: OffsetRange;
  readonly records: readonly LogRecord[];
  readonly result: BatchResult;
  readonly log: LogEnds;
  /** Records that were read beyond the batch, for the next one. */
  readonly readAhead: ReadAhead | null;
  readonly startedAtMs: number;
  readonly phases: Phases;
}

/** What the next micro-batch is made from. */
export interface NextBatch extends Pick<MicroBatch, 'input' | 'signal' | 'timeUp'> {
  readonly position: Position;
  readonly settings: Pick<LoopSettings, 'maxOffsets' | 'lateEvents'>;
  readonly readAhead: ReadAhead | null;
  /** Called before the work, which may fail for long. */
  readonly onRead: (log: LogEnds) => void;
}

/**
 * Reads the next records of a partition and works on them.
 * @returns undefined when there are no records yet
 */
export async function prepareBatch(
  reader: RecordReader,
  work: (batch: MicroBatch) => Promise<BatchResult>,
  { input, position, settings, readAhead, signal, timeUp, onRead }: NextBatch,
): Promise<PreparedBatch | undefined> {
  const startedAtMs = Date.now();
  const phases: Phases = {};
  const { topic, partition } = input;
  const { offset: from, newestEventMs } = position;
  const { records, to, log, ahead } = await timed(phases, 'read', () =>
    reader.read({ topic, partition, offset: from }, settings.maxOffsets, { signal, ahead: readAhead }),
  );
  onRead(log);
  if (to === from) return undefined;
  const lateness = { newestEventMs, lateEvents: settings.lateEvents, nowMs: Date.now() };
  const result = await work({ input, records, lateness, signal, timeUp, phases });
  const range = { topic, partition, from, to };
  const prepared = { range, records, result, log, readAhead: ahead, startedAtMs, phases };
  return result.cutAt === null ? prepared : cut(prepared, result.cutAt, newestEventMs);
}

/** The batch up to an offset. A slow model makes progress in this way. */
function cut(batch: PreparedBatch, to: number, newestEventMs: number | null): PreparedBatch | undefined {
  const range = { ...batch.range, to };
  if (to === range.from) return undefined;
  return {
    ...batch,
    range,
    records: batch.records.filter(({ offset }) => offset < to),
    result: {
      ...batch.result,
      // The newer event of a superseded one may be after the cut. Then it is in the next batch, and gets its outcome there.
      ...outcomesIn(range, batch.result),
      newestEventMs, // of events after the cut too, so it does not move yet
    },
  };
}
