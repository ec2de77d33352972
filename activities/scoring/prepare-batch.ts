import type { InputRecord, ReadAhead } from '../../clients/kafka/read-records.ts';
import type { LogEnds } from '../../clients/kafka/read-errors.ts';
import type { RecordReader } from '../../clients/kafka/record-reader.ts';
import type { OffsetRange, TopicPartition } from '../../domain/kafka-location.ts';
import type { Position } from '../../domain/scoring/find-position.ts';
import type { BatchResult, MicroBatch } from './micro-batch.ts';
import { createPhaseTimer, type PhaseTimer } from './phase-timer.ts';

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
