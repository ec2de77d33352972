import { Context } from '@temporalio/activity';
import type { Message } from 'kafkajs';
import {
  fitAlone,
  MessageTooLargeError,
  surelyFits,
  type TopicLimit,
  type TopicMessage,
} from '../../clients/kafka/message-limits.ts';
import type { FencedProducer } from '../../clients/kafka/transactions.ts';
import type { OffsetRange } from '../../domain/kafka-location.ts';
import type { TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import { bareDeadLetterRecord, deadLetterRecord } from '../../domain/scoring/dead-letter.ts';
import type { Position } from '../../domain/scoring/find-position.ts';
import type { Outcomes, RejectedRecord } from '../../domain/scoring/keep-newest.ts';
import {
  deadLetterTopic,
  LEDGER_TOPIC,
  type LedgerNote,
  ledgerRecord,
  SCORES_TOPIC,
} from '../../domain/scoring/output-record.ts';
import { addTotals } from '../../domain/scoring/partition-totals.ts';
import type { FencedPartition } from './fence-partition.ts';
import { timed, type PreparedBatch, type ScoreOutput } from './micro-batch.ts';

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
