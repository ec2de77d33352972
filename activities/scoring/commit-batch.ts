import { Context } from '@temporalio/activity';
import type { FencedProducer } from '../../clients/kafka/transactions.ts';
import { serializeCommittedMetadata, type TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import type { Position } from '../../domain/scoring/find-position.ts';
import { addTotals } from '../../domain/scoring/partition-totals.ts';
import { buildOutput } from './build-output.ts';
import { timed, type PreparedBatch } from './micro-batch.ts';

/**
 * Writes a prepared batch to Redis, then commits it in one transaction: outputs, dead letters, a ledger record and the offset. Redis
 * comes first: a crash in between repeats the write, which the guard in Redis makes harmless. In the other order the retry would
 * find the offset committed and never write.
 * @returns the position after the batch
 */
export async function commitBatch(
  { producer, identity, group }: { producer: FencedProducer; identity: TopicIdentity; group: string },
  before: Position,
  batch: PreparedBatch,
  worker: string,
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
  const { newestEventMs } = result;
  await producer.commit({
    records,
    group,
    topic: range.topic,
    partition: range.partition,
    offset: range.to,
    metadata: serializeCommittedMetadata({ worker, identity, newestEventMs, totals, startedWith: null }),
  });
  return { offset: range.to, newestEventMs, totals };
}
