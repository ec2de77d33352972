import { Context } from '@temporalio/activity';
import type { Message } from 'kafkajs';
import {
  fitAlone,
  MessageTooLargeError,
  surelyFits,
  type TopicLimit,
  type TopicMessage,
} from '../../clients/kafka/message-limits.ts';
import type { LogEnds } from '../../clients/kafka/read-errors.ts';
import type { ReadAhead, RecordReader } from '../../clients/kafka/record-reader.ts';
import type { FencedProducer } from '../../clients/kafka/transactions.ts';
import type { LoopSettings } from '../../contract/scoring-loop.ts';
import type { EventSource, OffsetRange } from '../../domain/kafka-location.ts';
import type { LogRecord, OutputRecord } from '../../domain/kafka-record.ts';
import { addTotals, type TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import { bareDeadLetterRecord, deadLetterRecord } from '../../domain/scoring/dead-letter.ts';
import type { Position } from '../../domain/scoring/find-position.ts';
import {
  outcomesIn,
  type Lateness,
  type Outcomes,
  type RejectedRecord,
} from '../../domain/scoring/keep-newest.ts';
import {
  deadLetterTopic,
  LEDGER_TOPIC,
  type LedgerNote,
  ledgerRecord,
  type Phases,
  SCORES_TOPIC,
} from '../../domain/scoring/output-record.ts';
import type { FencedPartition } from './fence-partition.ts';

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

/**
 * Writes a prepared batch to Redis, then commits it in one transaction: outputs, dead letters, a ledger record and the offset. Redis
 * comes first: a crash in between repeats the write, which the guard in Redis makes harmless. In the other order the retry would
 * find the offset committed and never write.
 * @returns the position after the batch
 */
export async function commitBatch(
  { producer, worker, commit }: FencedPartition,
  identity: TopicIdentity,
  before: Position,
  batch: PreparedBatch,
): Promise<Position> {
  const { range, result, phases } = batch;
  const { outdated, scores } = await timed(phases, 'cache', () => result.write());
  const { records, outcomes } = await buildOutput(producer, batch, scores, {
    worker,
    attempt: Context.current().info.attempt,
    modelVersion: result.modelVersion,
    phases,
  });
  const totals = addTotals(before.totals, {
    batches: 1,
    records: batch.records.length,
    scored: outcomes.scored.length,
    deadLetters: outcomes.deadLetters.length,
    superseded: outcomes.superseded.length,
    dropped: outcomes.dropped.length,
    late: result.late,
    outdated,
  });
  const after = { offset: range.to, newestEventMs: result.newestEventMs, totals };
  await commit({ records, to: after, identity });
  return after;
}

/** @returns why a topic does not accept a message that is sent alone; null when it does, for a small message without a promise */
type WhyTooLarge = (topic: string, message: Message) => Promise<string | null> | null;

/**
 * The records of a transaction: scores, dead letters and the ledger, each in a form that its topic accepts. A score that is too large
 * becomes a dead letter, a dead letter loses its value, and the ledger is written in several records. What is too large even then
 * fails the commit, which names the topic and the setting to change.
 */
async function buildOutput(
  producer: Pick<FencedProducer, 'limits'>,
  { range, result }: Pick<PreparedBatch, 'range' | 'result'>,
  scores: readonly ScoreOutput[],
  note: LedgerNote,
): Promise<{ readonly records: readonly TopicMessage[]; readonly outcomes: Outcomes }> {
  const whyTooLarge = await limitsOf(producer, [SCORES_TOPIC, deadLetterTopic(range.topic), LEDGER_TOPIC]);
  const { sent, refused } = await fitScores(scores, whyTooLarge);
  const refusedOffsets = new Set(refused.map(({ record }) => record.offset));
  const outcomes = {
    ...result,
    scored: result.scored.filter((offset) => !refusedOffsets.has(offset)),
    deadLetters: [...result.deadLetters, ...refused],
  };
  const letters = await fitDeadLetters(range, outcomes.deadLetters, whyTooLarge);
  const ledger = await fitLedger(range, outcomes, note, whyTooLarge);
  return { records: [...sent, ...letters, ...ledger], outcomes };
}

async function limitsOf(
  producer: Pick<FencedProducer, 'limits'>,
  topics: readonly string[],
): Promise<WhyTooLarge> {
  const limits = await producer.limits(topics);
  const whyTooLarge = async (message: Message, limit: TopicLimit) => {
    const fit = await fitAlone(message, limit);
    return fit instanceof MessageTooLargeError ? fit.message : null;
  };
  return (topic, message) => {
    const limit = limits.get(topic);
    return limit === undefined || surelyFits(message, limit) ? null : whyTooLarge(message, limit);
  };
}

/** A score that its topic does not accept is in Redis only. */
async function fitScores(scores: readonly ScoreOutput[], whyTooLarge: WhyTooLarge) {
  const sent: TopicMessage[] = [];
  const refused: RejectedRecord[] = [];
  for (const { record, message } of scores) {
    const why = whyTooLarge(SCORES_TOPIC, message);
    const detail = why && (await why);
    if (detail === null) sent.push({ topic: SCORES_TOPIC, message });
    else refused.push({ record, reason: 'score_too_large', detail });
  }
  return { sent, refused };
}

async function fitDeadLetters(
  range: OffsetRange,
  rejected: readonly RejectedRecord[],
  whyTooLarge: WhyTooLarge,
): Promise<TopicMessage[]> {
  if (rejected.length === 0) return [];
  const topic = deadLetterTopic(range.topic);
  const letters: TopicMessage[] = [];
  for (const record of rejected) {
    const message = deadLetterRecord(range, record);
    const fits = (await whyTooLarge(topic, message)) === null;
    letters.push({ topic, message: fits ? message : bareDeadLetterRecord(range, record) });
  }
  return letters;
}

async function fitLedger(
  range: OffsetRange,
  outcomes: Outcomes,
  note: LedgerNote,
  whyTooLarge: WhyTooLarge,
): Promise<TopicMessage[]> {
  const { from, to } = range;
  const message = ledgerRecord(range, outcomes, note);
  if (to - from === 1 || (await whyTooLarge(LEDGER_TOPIC, message)) === null)
    return [{ topic: LEDGER_TOPIC, message }];
  const middle = Math.floor((from + to) / 2);
  const halves = [
    { ...range, to: middle },
    { ...range, from: middle },
  ];
  return (await Promise.all(halves.map((half) => fitLedger(half, outcomes, note, whyTooLarge)))).flat();
}
