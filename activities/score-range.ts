import { ApplicationFailure, Context } from '@temporalio/activity';
import type { Positions } from '../clients/kafka/positions.ts';
import {
  OffsetsUnavailableError,
  type InputRecord,
  type RangeReader,
} from '../clients/kafka/range-reader.ts';
import type { FencedTransaction, Output, Transactions } from '../clients/kafka/transactions.ts';
import { parseCommittedMetadata, printCommittedMetadata } from '../domain/scoring/committed-metadata.ts';
import {
  deadLetterRecord,
  ledgerRecord,
  type OutputRecord,
  type Phases,
  type RangePlace,
} from '../domain/scoring/output-records.ts';
import { STALE_PLAN } from '../domain/scoring/plan-ranges.ts';
import {
  deadLetterTopic,
  LEDGER_TOPIC,
  transactionalIdOf,
  type EventKind,
} from '../domain/scoring/topics.ts';
import type { Rejected } from '../domain/scoring/triage.ts';
import { withHeartbeat } from './heartbeat.ts';
import type { BatchPlan, PlanBatchArgs } from './plan-batch.ts';
import { createRefreshVideos } from './refresh-videos.ts';
import { createScoreProfiles } from './score-profiles.ts';
import { stopwatch } from './stopwatch.ts';

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

/** What became of a range: counts for the loop's state, never the data. */
export interface RangeReport {
  readonly partition: number;
  /** False when an earlier attempt had committed it already. */
  readonly committedNow: boolean;
  readonly records: number;
  /** Scored profiles, or refreshed videos. */
  readonly scored: number;
  readonly deadLetters: number;
  readonly late: number;
  readonly superseded: number;
  /** Redis had something newer already. */
  readonly outdated: number;
  /** Whether the lakehouse answered in time for what events lack. */
  readonly enriched: boolean;
  readonly phases: Phases | null;
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
  /** The records after them, where they are wanted next and likely by this worker. */
  readonly next: Promise<readonly InputRecord[]> | undefined;
  readonly watermarkMs: number | null;
  readonly signal: AbortSignal;
  readonly time: ReturnType<typeof stopwatch<keyof Phases>>;
}

/** What the work on a range came to: each record's offset is in exactly one of the four lists. */
export interface RangeResult {
  readonly done: readonly number[];
  readonly deadLetters: readonly Rejected[];
  readonly late: readonly number[];
  readonly superseded: readonly number[];
  /** Records for output topics, besides dead letters and the ledger. */
  readonly outputs: readonly { readonly topic: string; readonly records: readonly OutputRecord[] }[];
  readonly maxEventTimeMs: number | null;
  readonly outdated: number;
  readonly enriched: boolean;
  readonly modelVersion: string | null;
}

interface PositionDeps {
  readonly positions: Positions;
  readonly transactions: Transactions;
  readonly reader: RangeReader;
  /** Names this worker process; a restarted one is another. */
  readonly worker: string;
}
export type ScoreRangeDeps = PositionDeps &
  Parameters<typeof createScoreProfiles>[0] &
  Parameters<typeof createRefreshVideos>[0];

/**
 * The hot path: fence → committed offset → read → work (profiles: score, videos: refresh; both write Redis) → one Kafka
 * transaction with outputs, dead letters, ledger and offset. The order is what makes each offset count exactly once
 * (docs/scoring.md); a retry at any point begins again at the fence.
 */
export function createScoreRange(deps: ScoreRangeDeps) {
  const workOn = { profiles: createScoreProfiles(deps), videos: createRefreshVideos(deps) };

  return function scoreRange(args: ScoreRangeArgs): Promise<RangeAnswer> {
    return withHeartbeat((signal) => scoreOnce(args, signal));
  };

  async function scoreOnce(args: ScoreRangeArgs, signal: AbortSignal): Promise<RangeReport> {
    const time = stopwatch<keyof Phases>();
    const { transaction, position, maxEventTimeMs } = await time('fence', () => fence(deps, args));
    try {
      if (position >= args.to) {
        await transaction.abandon();
        return nothingDone(args.partition);
      }
      const range = { topic: args.topic, partition: args.partition, from: position, to: args.to };
      const records = await time('read', () => deps.reader.read(range, signal));
      const readAhead = deps.reader.readAhead({ ...range, from: args.to, to: args.readAheadTo });
      // Where another worker had the partition before, it may well have it again.
      const next = transaction.fresh ? undefined : readAhead;
      const work = { place: range, records, next, watermarkMs: args.watermarkMs, signal, time };
      const result = await workOn[args.kind](work);
      const ledger = ledgerRecord(
        range,
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
      await transaction.commit({
        records: kafkaRecords(range, records, result, ledger),
        group: args.group,
        topic: args.topic,
        partition: args.partition,
        offset: args.to,
        metadata: printCommittedMetadata({
          worker: deps.worker,
          max_event_time_ms: newest(maxEventTimeMs, result.maxEventTimeMs),
        }),
      });
      return {
        partition: args.partition,
        committedNow: true,
        records: records.length,
        scored: result.done.length,
        deadLetters: result.deadLetters.length,
        late: result.late.length,
        superseded: result.superseded.length,
        outdated: result.outdated,
        enriched: result.enriched,
        phases: time.phases(),
      };
    } catch (error) {
      await transaction.abandon().catch(() => {}); // the first error tells more; a failed abort discards the producer
      if (error instanceof OffsetsUnavailableError)
        throw ApplicationFailure.nonRetryable(error.message, STALE_PLAN);
      throw error;
    }
  }
}

/**
 * Takes the transactional id of the partition, then reads how far it is committed: in this order only, since an older
 * attempt could still commit before it is fenced (packages.md, transaction design 2).
 */
async function fence(
  { transactions, positions, worker }: PositionDeps,
  args: ScoreRangeArgs,
): Promise<{ transaction: FencedTransaction; position: number; maxEventTimeMs: number | null }> {
  const transactionalId = transactionalIdOf(args.group, args.topic, args.partition);
  const committed = () => positions.committed(args.group, args.topic, args.partition);
  let transaction = await transactions.begin(transactionalId);
  try {
    let at = await committed();
    // Another worker committed last, so it holds a newer epoch than the producer kept here: take the id anew.
    if (!transaction.fresh && parseCommittedMetadata(at.metadata).worker !== worker) {
      await transaction.abandon();
      transaction = await transactions.begin(transactionalId, { fresh: true });
      at = await committed();
    }
    const position = at.offset ?? args.from;
    if (position < args.from && (await lowOf(positions, args)) <= position)
      throw ApplicationFailure.nonRetryable(
        `planned from ${args.from}, committed is ${position}`,
        STALE_PLAN,
      );
    return {
      transaction,
      // Behind `from` only where retention removed the offsets between.
      position: Math.max(position, args.from),
      maxEventTimeMs: parseCommittedMetadata(at.metadata).max_event_time_ms,
    };
  } catch (error) {
    await transaction.abandon().catch(() => {});
    throw error;
  }
}

async function lowOf(positions: Positions, { group, topic, partition }: ScoreRangeArgs): Promise<number> {
  const all = await positions.read(group, topic);
  return all.find((candidate) => candidate.partition === partition)?.low ?? 0;
}

function newest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** Outputs, dead letters and the ledger as Kafka takes them. */
function kafkaRecords(
  place: RangePlace,
  records: readonly InputRecord[],
  result: RangeResult,
  ledger: OutputRecord,
): Output['records'] {
  const byOffset = new Map(records.map((record) => [record.offset, record]));
  const deadLetters = result.deadLetters.flatMap((rejected) => {
    const original = byOffset.get(rejected.offset);
    return original === undefined ? [] : [deadLetterRecord(place, original, rejected)];
  });
  return [
    ...result.outputs,
    { topic: deadLetterTopic(place.topic), records: deadLetters },
    { topic: LEDGER_TOPIC, records: [ledger] },
  ]
    .filter((output) => output.records.length > 0)
    .map((output) => ({ topic: output.topic, messages: output.records.map(kafkaMessage) }));
}

/** kafkajs writes a list as a header of that name for each value. */
const kafkaMessage = ({ key, value, headers }: OutputRecord) => ({
  key: asBuffer(key),
  value: asBuffer(value),
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, header]) => [
      name,
      Array.isArray(header) ? header.map((value) => Buffer.from(value)) : Buffer.from(header),
    ]),
  ),
});

const asBuffer = (data: Uint8Array | string | null): Buffer | null =>
  data === null ? null : Buffer.from(data);

const nothingDone = (partition: number): RangeReport => ({
  partition,
  committedNow: false,
  records: 0,
  scored: 0,
  deadLetters: 0,
  late: 0,
  superseded: 0,
  outdated: 0,
  enriched: true,
  phases: null,
});
