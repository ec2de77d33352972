import { ApplicationFailure, Context } from '@temporalio/activity';
import { SEND_BYTES } from '../../clients/kafka/message-size.ts';
import { kafkaErrorType } from '../../clients/kafka/client.ts';
import {
  OffsetsUnavailableError,
  type InputRecord,
  type RangeReader,
  type RecordSlice,
} from '../../clients/kafka/range-reader.ts';
import { printCommittedMetadata } from '../../domain/scoring/committed-metadata.ts';
import {
  ledgerRecord,
  type OutputRecord,
  type Phases,
  type RangePlace,
} from '../../domain/scoring/output-records.ts';
import { STALE_PLAN } from '../../domain/scoring/plan-ranges.ts';
import { addCounts, type RangeReport } from '../../domain/scoring/range-report.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import type { RejectedRecord } from '../../domain/scoring/keep-newest.ts';
import { fencePartition, type FencePartitionDeps } from './fence-partition.ts';
import { withHeartbeat } from '../heartbeat.ts';
import { buildOutput } from './build-output.ts';
import type { BatchPlan, PlanBatchArgs } from './plan-batch.ts';
import { createRefreshVideos } from './refresh-videos.ts';
import { createScoreProfiles } from './score-profiles.ts';
import { createPhaseTimer } from './phase-timer.ts';

export interface ScoreRangeArgs {
  readonly topic: string;
  /** What the topic's events are. */
  readonly kind: EventKind;
  readonly group: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  /** Offsets up to here may be read ahead while this range is scored. */
  readonly readAheadTo: number;
  readonly watermarkMs: number | null;
  /** When the batch was planned: tells it from the loop's other batches. */
  readonly plannedAtMs: number;
  /** The next batch is to be planned too, once this range is done. */
  readonly next?: PlanBatchArgs;
}

/** What a range tells the loop. */
export interface RangeAnswer extends RangeReport {
  /** The report of a sibling that stays in the worker to plan the next batch. */
  readonly forStaying?: RangeReport;
  /** The next batch, where this range was asked for it and there is one. */
  readonly next?: BatchPlan;
}

/** The records of a range, and how to work on them. */
export interface RangeWork {
  readonly place: RangePlace;
  readonly records: readonly InputRecord[];
  /** What comes after them, where it is wanted next and likely by this worker. */
  readonly next: Promise<RecordSlice> | undefined;
  readonly watermarkMs: number | null;
  readonly signal: AbortSignal;
  readonly time: ReturnType<typeof createPhaseTimer<keyof Phases>>;
}

/** What the work on a range came to: each record's offset is in exactly one of the four lists. */
export interface RangeResult {
  readonly done: readonly number[];
  readonly deadLetters: readonly RejectedRecord[];
  readonly late: readonly number[];
  readonly superseded: readonly number[];
  /** Records for output topics, besides dead letters and the ledger. */
  readonly outputs: readonly { readonly topic: string; readonly records: readonly OutputRecord[] }[];
  readonly maxEventTimeMs: number | null;
  readonly outdated: number;
  readonly enriched: boolean;
  readonly modelVersion: string | null;
}

export type ScoreRangeDeps = FencePartitionDeps &
  Parameters<typeof createScoreProfiles>[0] &
  Parameters<typeof createRefreshVideos>[0] & { readonly reader: RangeReader };

/**
 * The hot path: fence → committed offset → read → work (profiles: score, videos: refresh; both write Redis) → one Kafka
 * transaction with outputs, dead letters, ledger and offset. The order is what makes each offset count exactly once
 * (docs/scoring.md); a retry at any point begins again at the fence. A range that memory should not hold at once is done slice
 * by slice, each in a transaction of its own, as if an earlier attempt had committed what is before.
 */
export function createScoreRange(deps: ScoreRangeDeps) {
  const workOn = { profiles: createScoreProfiles(deps), videos: createRefreshVideos(deps) };

  return function scoreRange(args: ScoreRangeArgs): Promise<RangeAnswer> {
    return withHeartbeat(async (signal) => {
      let { report, to } = await scoreSlice(args, signal);
      while (to < args.to) ({ report, to } = await scoreSlice(args, signal));
      return report;
    });
  };

  /** @returns what became of a range with its next slice, and where that ends */
  async function scoreSlice(args: ScoreRangeArgs, signal: AbortSignal): Promise<SliceReport> {
    try {
      return await scoreOnce(args, signal, Infinity);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      return scoreOnce(args, signal, SEND_BYTES);
    }
  }

  async function scoreOnce(
    args: ScoreRangeArgs,
    signal: AbortSignal,
    bareAbove: number,
  ): Promise<SliceReport> {
    const time = createPhaseTimer<keyof Phases>();
    const { transaction, position, maxEventTimeMs, before } = await time('fence', () => fencePartition(deps, args));
    try {
      if (position >= args.to) {
        await transaction.abandon();
        const { partition } = args;
        return {
          report: { partition, ...before, committedNow: false, enriched: true, phases: null },
          to: args.to,
        };
      }
      const range = { topic: args.topic, partition: args.partition, from: position, to: args.to };
      const { records, to } = await time('read', () => deps.reader.read(range, signal));
      const place = { ...range, to };
      const readAhead = deps.reader.readAhead({ ...range, from: to, to: args.readAheadTo });
      // Where another worker had the partition before, it may well have it again.
      const next = transaction.fresh ? undefined : readAhead;
      const work = { place, records, next, watermarkMs: args.watermarkMs, signal, time };
      const result = await workOn[args.kind](work);
      const ledger = ledgerRecord(
        place,
        {
          scored: result.done,
          deadLettered: result.deadLetters.map(({ offset }) => offset),
          late: result.late,
          superseded: result.superseded,
        },
        {
          worker: deps.worker,
          attempt: Context.current().info.attempt,
          modelVersion: result.modelVersion,
          phases: time.phases(),
        },
      );
      const counts = addCounts(before, {
        records: records.length,
        scored: result.done.length,
        deadLetters: result.deadLetters.length,
        late: result.late.length,
        superseded: result.superseded.length,
        outdated: result.outdated,
      });
      await transaction.commit({
        records: buildOutput(place, records, result, ledger, bareAbove),
        group: args.group,
        topic: args.topic,
        partition: args.partition,
        offset: to,
        metadata: printCommittedMetadata({
          worker: deps.worker,
          max_event_time_ms: newest(maxEventTimeMs, result.maxEventTimeMs),
          range: { from: args.from, counts },
        }),
      });
      const report = {
        partition: args.partition,
        ...counts,
        committedNow: true,
        enriched: result.enriched,
        phases: time.phases(),
      };
      return { report, to };
    } catch (error) {
      await transaction.abandon().catch(() => {}); // the first error tells more; a failed abort discards the producer
      if (error instanceof OffsetsUnavailableError)
        throw ApplicationFailure.nonRetryable(error.message, STALE_PLAN);
      throw error;
    }
  }
}

/** What became of a range so far, and how far that is. */
interface SliceReport {
  readonly report: RangeReport;
  readonly to: number;
}

/** Brokers say so of a batch; of those sent here only a single large record can be one. */
const isTooLarge = (error: unknown): boolean =>
  ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].includes(kafkaErrorType(error) ?? '');

function newest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
