import { Context } from '@temporalio/activity';
import type { OffsetRange } from '../../domain/kafka-location.ts';
import { serializeCommittedMetadata } from '../../domain/scoring/committed-metadata.ts';
import { ledgerRecord } from '../../domain/scoring/ledger-record.ts';
import { addCounts, type Phases, type RangeReport } from '../../domain/scoring/range-report.ts';
import { buildOutput } from './build-output.ts';
import type { FencedPartition } from './fence-partition.ts';
import type { RangeResult, RangeWork } from './range-work.ts';

/**
 * Commits a processed range in one transaction: outputs, dead letters, a ledger record and the offset.
 * @returns the report of the planned range so far, including what earlier transactions committed
 */
export async function commitRange(
  planned: OffsetRange & { readonly group: string },
  { transaction, maxEventTimeMs, countsBefore }: FencedPartition,
  processed: {
    readonly range: OffsetRange;
    readonly records: RangeWork['records'];
    readonly result: RangeResult;
  },
  {
    worker,
    phases,
    maxDeadLetterBytes,
  }: { readonly worker: string; readonly phases: Phases; readonly maxDeadLetterBytes: number },
): Promise<RangeReport> {
  const { range, records, result } = processed;
  const { topic, partition } = range;
  const ledger = ledgerRecord(
    range,
    {
      scored: result.done,
      deadLettered: result.deadLetters.map(({ offset }) => offset),
      late: result.late,
      superseded: result.superseded,
    },
    { worker, attempt: Context.current().info.attempt, modelVersion: result.modelVersion, phases },
  );
  const counts = addCounts(countsBefore, {
    records: records.length,
    scored: result.done.length,
    deadLetters: result.deadLetters.length,
    late: result.late.length,
    superseded: result.superseded.length,
    outdated: result.outdated,
  });
  await transaction.commit({
    records: buildOutput(range, records, result, ledger, maxDeadLetterBytes),
    group: planned.group,
    topic,
    partition,
    offset: range.to,
    metadata: serializeCommittedMetadata({
      worker,
      max_event_time_ms: newest(maxEventTimeMs, result.maxEventTimeMs),
      range: { from: planned.from, counts },
    }),
  });
  return { partition, ...counts, committedNow: true, enriched: result.enriched, phases };
}

function newest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
