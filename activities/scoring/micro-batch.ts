import { Context } from '@temporalio/activity';
import {
  surelyFits,
  type TopicLimit,
  type TopicMessage,
  whyTooLarge,
} from '../../clients/kafka/message-limits.ts';
import type { LogEnds } from '../../clients/kafka/read-errors.ts';
import type { ReadAhead } from '../../clients/kafka/record-reader.ts';
import type { EventSource, OffsetRange } from '../../domain/kafka-location.ts';
import type { LogRecord, OutputRecord } from '../../domain/kafka-record.ts';
import { addTotals, type TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import { bareDeadLetterRecord, deadLetterRecord } from '../../domain/scoring/dead-letter.ts';
import type { Position } from '../../domain/scoring/find-position.ts';
import type { Lateness, Outcomes, RejectedRecord } from '../../domain/scoring/keep-newest.ts';
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
  /**
   * Writes the results to Redis. A repetition does no harm.
   * @returns how many values were not written, because Redis has newer ones or the KOL was erased; and the records for scores.stream
   */
  write(): Promise<{ readonly outdated: number; readonly scores: readonly ScoreOutput[] }>;
}

/** The record of a score, and that of its event. */
interface ScoreOutput {
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
  const limits = await producer.limits([SCORES_TOPIC, deadLetterTopic(range.topic), LEDGER_TOPIC]);
  const { records, outcomes } = await buildOutput(limits, batch, scores, {
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
  await commit(records, after, identity);
  return after;
}

/** The largest batches that the output topics accept. */
type Limits = ReadonlyMap<string, TopicLimit>;

/**
 * The records of a transaction: scores, dead letters and the ledger, each in a form that its topic accepts. A score that is too large
 * becomes a dead letter, a dead letter loses its value, and the ledger is written in several records. What is too large even then
 * fails the commit, which names the topic and the setting to change.
 */
async function buildOutput(
  limits: Limits,
  { range, result }: Pick<PreparedBatch, 'range' | 'result'>,
  scores: readonly ScoreOutput[],
  note: LedgerNote,
): Promise<{ readonly records: readonly TopicMessage[]; readonly outcomes: Outcomes }> {
  const { sent, refused } = await fitScores(limits, scores);
  const refusedOffsets = new Set(refused.map(({ record }) => record.offset));
  const outcomes = {
    ...result,
    scored: result.scored.filter((offset) => !refusedOffsets.has(offset)),
    deadLetters: [...result.deadLetters, ...refused],
  };
  const letters = await fitDeadLetters(limits, range, outcomes.deadLetters);
  const ledger = await fitLedger(limits, range, outcomes, note);
  return { records: [...sent, ...letters, ...ledger], outcomes };
}

/** A score that its topic does not accept is in Redis only. */
async function fitScores(limits: Limits, scores: readonly ScoreOutput[]) {
  const sent: TopicMessage[] = [];
  const refused: RejectedRecord[] = [];
  for (const { record, message } of scores) {
    const score = { topic: SCORES_TOPIC, message };
    const fits = surelyFits(message, limits.get(SCORES_TOPIC));
    const detail = fits ? null : await whyTooLarge(score, limits);
    if (detail === null) sent.push(score);
    else refused.push({ record, reason: 'score_too_large', detail });
  }
  return { sent, refused };
}

async function fitDeadLetters(
  limits: Limits,
  range: OffsetRange,
  rejected: readonly RejectedRecord[],
): Promise<TopicMessage[]> {
  const topic = deadLetterTopic(range.topic);
  const letters: TopicMessage[] = [];
  for (const record of rejected) {
    const letter = { topic, message: deadLetterRecord(range, record) };
    const isTooLarge = (await whyTooLarge(letter, limits)) !== null;
    letters.push(isTooLarge ? { topic, message: bareDeadLetterRecord(range, record) } : letter);
  }
  return letters;
}

async function fitLedger(
  limits: Limits,
  range: OffsetRange,
  outcomes: Outcomes,
  note: LedgerNote,
): Promise<TopicMessage[]> {
  const { from, to } = range;
  const entry = { topic: LEDGER_TOPIC, message: ledgerRecord(range, outcomes, note) };
  if (to - from === 1 || (await whyTooLarge(entry, limits)) === null) return [entry];
  const middle = Math.floor((from + to) / 2);
  return [
    ...(await fitLedger(limits, { ...range, to: middle }, outcomes, note)),
    ...(await fitLedger(limits, { ...range, from: middle }, outcomes, note)),
  ];
}
