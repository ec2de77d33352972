import { Context } from '@temporalio/activity';
import type { TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import { serializeCommittedMetadata } from '../../domain/scoring/committed-metadata.ts';
import type { Position } from '../../domain/scoring/find-position.ts';
import { ledgerRecord } from '../../domain/scoring/ledger-record.ts';
import { addTotals } from '../../domain/scoring/partition-totals.ts';
import type { FencedProducer } from '../../clients/kafka/transactions.ts';
import { buildOutput } from './build-output.ts';
import type { PreparedBatch } from './prepare-batch.ts';

/**
 * Writes a prepared batch to Redis, then commits it in one transaction: outputs, dead letters, a ledger record and the offset. Redis
 * comes first: a crash in between repeats the write, which the guard in Redis makes harmless. In the other order the retry would
 * find the offset committed and never write.
 * @returns the position after the batch
 */
export async function commitBatch(
  { producer, identity, group }: { producer: FencedProducer; identity: TopicIdentity; group: string },
  before: Position,
  { range, records, result, time }: PreparedBatch,
  { worker, maxDeadLetterBytes }: { readonly worker: string; readonly maxDeadLetterBytes: number },
): Promise<Position> {
  const { outdated, outputs } = await time('cache', () => result.write());
  const ledger = ledgerRecord(
    range,
    {
      scored: result.done,
      deadLettered: result.deadLetters.map(({ offset }) => offset),
      superseded: result.superseded,
      dropped: result.dropped,
    },
    {
      worker,
      attempt: Context.current().info.attempt,
      modelVersion: result.modelVersion,
      phases: time.phases(),
    },
  );
  const totals = addTotals(before.totals, {
    batches: 1,
    records: records.length,
    scored: result.done.length,
    deadLetters: result.deadLetters.length,
    superseded: result.superseded.length,
    dropped: result.dropped.length,
    late: result.late,
    outdated,
  });
  const { newestEventMs } = result;
  await producer.commit({
    records: buildOutput(range, records, { ...result, outputs }, ledger, maxDeadLetterBytes),
    group,
    topic: range.topic,
    partition: range.partition,
    offset: range.to,
    metadata: serializeCommittedMetadata({ worker, identity, newestEventMs, totals, startedWith: null }),
  });
  return { offset: range.to, newestEventMs, totals };
}
