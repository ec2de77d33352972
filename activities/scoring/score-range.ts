import { ApplicationFailure } from '@temporalio/activity';
import { kafkaErrorType } from '../../clients/kafka/client.ts';
import { SEND_BYTES } from '../../clients/kafka/message-size.ts';
import { OffsetsUnavailableError } from '../../clients/kafka/range-errors.ts';
import type { RangeReader } from '../../clients/kafka/range-reader.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import type { OffsetRange } from '../../domain/kafka-location.ts';
import type { RangeReport } from '../../domain/scoring/range-report.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import { withHeartbeat } from '../heartbeat.ts';
import { commitRange } from './commit-range.ts';
import { fencePartition, type FencedPartition, type FencePartitionDeps } from './fence-partition.ts';
import { createPhaseTimer, type PhaseTimer } from './phase-timer.ts';
import type { BatchPlan, PlanBatchArgs } from './plan-batch.ts';
import { readRange } from './read-range.ts';
import { createRefreshVideos } from './refresh-videos.ts';
import { createScoreProfiles } from './score-profiles.ts';

export interface ScoreRangeArgs extends OffsetRange {
  readonly kind: EventKind;
  readonly group: string;
  /** Offsets up to here may be read ahead while this range is processed. */
  readonly readAheadTo: number;
  readonly watermarkMs: number | null;
  /** Identifies the batch of this range. */
  readonly plannedAtMs: number;
  /** Plan the next batch too, once this range is done. */
  readonly next?: PlanBatchArgs;
}

/** Result of a range for the loop. */
export interface RangeAnswer extends RangeReport {
  /** The report of a sibling that stays in the worker to plan the next batch. */
  readonly forStaying?: RangeReport;
  /** The next batch, when this range was asked to plan it and there is one. */
  readonly next?: BatchPlan;
}

export type ScoreRangeDeps = FencePartitionDeps &
  Parameters<typeof createScoreProfiles>[0] &
  Parameters<typeof createRefreshVideos>[0] & { readonly reader: RangeReader };

/** Report of a range up to an offset. */
interface Progress {
  readonly report: RangeReport;
  readonly to: number;
}

/**
 * The hot path: fence → read → score profiles or refresh videos (both write Redis) → commit in one Kafka transaction. This
 * order accounts for each offset exactly once (docs/decisions/0009-transactions.md); a retry starts again at the fence.
 * A range that is too large for memory is processed slice by slice, each in its own transaction.
 */
export function createScoreRange(deps: ScoreRangeDeps) {
  const workOn = { profiles: createScoreProfiles(deps), videos: createRefreshVideos(deps) };

  return function scoreRange(args: ScoreRangeArgs): Promise<RangeAnswer> {
    return withHeartbeat(async (signal) => {
      let progress = await scoreSlice(args, signal);
      while (progress.to < args.to) progress = await scoreSlice(args, signal);
      return progress.report;
    });
  };

  async function scoreSlice(args: ScoreRangeArgs, signal: AbortSignal): Promise<Progress> {
    try {
      return await attempt(args, signal, Infinity);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      return attempt(args, signal, SEND_BYTES);
    }
  }

  /** @param maxDeadLetterBytes larger dead letters are written without value and headers */
  async function attempt(
    args: ScoreRangeArgs,
    signal: AbortSignal,
    maxDeadLetterBytes: number,
  ): Promise<Progress> {
    const time = createPhaseTimer();
    const fenced = await time('fence', () => fencePartition(deps, args));
    try {
      if (fenced.position >= args.to) return await alreadyCommitted(args, fenced);
      return await processAndCommit(args, fenced, { signal, time, maxDeadLetterBytes });
    } catch (error) {
      // Keep the first error: a failed abort only discards the producer.
      await fenced.transaction.abandon().catch(() => {});
      if (error instanceof OffsetsUnavailableError)
        throw ApplicationFailure.nonRetryable(error.message, failureTypes.stalePlan);
      throw error;
    }
  }

  async function processAndCommit(
    args: ScoreRangeArgs,
    fenced: FencedPartition,
    {
      signal,
      time,
      maxDeadLetterBytes,
    }: { readonly signal: AbortSignal; readonly time: PhaseTimer; readonly maxDeadLetterBytes: number },
  ): Promise<Progress> {
    const { range, records, next } = await time('read', () => readRange(deps.reader, args, fenced, signal));
    const result = await workOn[args.kind]({
      input: range,
      records,
      next,
      watermarkMs: args.watermarkMs,
      signal,
      time,
    });
    const phases = time.phases();
    const report = await commitRange(
      args,
      fenced,
      { range, records, result },
      {
        worker: deps.worker,
        phases,
        maxDeadLetterBytes,
      },
    );
    return { report, to: range.to };
  }
}

/** An earlier attempt committed the whole range, but its report was lost. */
async function alreadyCommitted(
  { partition, to }: ScoreRangeArgs,
  { transaction, countsBefore }: FencedPartition,
): Promise<Progress> {
  await transaction.abandon();
  return { report: { partition, ...countsBefore, committedNow: false, enriched: true, phases: null }, to };
}

/** Brokers refuse a batch that is too large. Of the batches sent here, only one with a single large record can be. */
const isTooLarge = (error: unknown): boolean =>
  ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].includes(kafkaErrorType(error) ?? '');
