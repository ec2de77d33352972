import { setTimeout as sleep } from 'node:timers/promises';
import type { LongPoll } from '../../clients/kafka/long-poll.ts';
import { parseCommittedMetadata } from '../../domain/scoring/committed-metadata.ts';
import { watermarkOf } from '../../domain/scoring/watermark.ts';
import type { OffsetsByPartition } from '../../domain/scoring/compare-offsets.ts';
import { planRanges, type PartitionProgress } from '../../domain/scoring/plan-ranges.ts';
import type { PartitionRange } from '../../domain/kafka-location.ts';
import { withHeartbeat } from '../heartbeat.ts';
import { commitOffset, type CommitOffsetDeps } from './commit-offset.ts';

export interface PlanBatchArgs {
  readonly topic: string;
  readonly group: string;
  readonly maxOffsets: number;
  /** Wait until this time (ms since 1970) before planning: the next tick of the trigger. */
  readonly notBeforeMs: number;
  /** Then wait for data at most this long. Without data the plan has no ranges. */
  readonly maxWaitMs: number;
  /** The previous batch: nothing is planned until the end of each of its ranges is committed. */
  readonly after?: readonly Pick<PartitionRange, 'partition' | 'to'>[];
  /** The committed offsets that the loop saw last. They count when Kafka has lost its own. */
  readonly known?: OffsetsByPartition;
}

/** A range, and the end of the records that may be read ahead: as many again, if there are as many. */
interface PlannedRange extends PartitionRange {
  readonly readAheadTo: number;
}

/** A planned micro-batch. Small enough for the workflow history. */
export interface BatchPlan {
  readonly plannedAtMs: number;
  readonly ranges: readonly PlannedRange[];
  /** Lag in offsets at the time of the plan, this batch included. */
  readonly lag: number;
  readonly expired: number;
  readonly truncated: readonly number[];
  readonly watermarkMs: number | null;
  /** The committed offset of every partition. */
  readonly positions: OffsetsByPartition;
  /** Partitions whose committed offset Kafka had lost. */
  readonly forgotten: readonly number[];
}

export interface PlanBatchDeps extends CommitOffsetDeps {
  readonly longPoll: LongPoll;
  /** Aborted when the worker starts to shut down. */
  readonly draining: AbortSignal;
}

/** When a long poll is not possible, offsets are read this often. */
const POLL_MS = 50;
/** After a commit Kafka returns the previous offset until the commit marker is written, which takes milliseconds. */
const SETTLE_MS = 2000;

/**
 * Plans the next batch from Kafka's committed offsets, which are the truth. It waits for data inside the activity, so that an
 * idle loop adds no history.
 */
export function createPlanBatch(deps: PlanBatchDeps) {
  return async function planBatch(args: PlanBatchArgs): Promise<BatchPlan> {
    return withHeartbeat(
      async (cancelled) => {
        // A worker that shuts down stops waiting immediately: this attempt fails, and the retry runs on another worker.
        const signal = AbortSignal.any([cancelled, deps.draining]);
        await sleep(Math.max(0, args.notBeforeMs - Date.now()), undefined, { signal });
        const waitUntil = Date.now() + args.maxWaitMs;
        const settledBy = Date.now() + SETTLE_MS;
        const forgotten = new Set<number>();
        for (;;) {
          signal.throwIfAborted();
          const partitions = await committedOffsets(deps, args, forgotten);
          const isSettled = Date.now() > settledBy || !isBehind(partitions, args.known);
          const mayPlan = stands(partitions, args.after) && isSettled;
          const plan = planRanges(mayPlan ? partitions : [], args.maxOffsets);
          if (plan.ranges.length > 0 || Date.now() >= waitUntil) {
            const committed = partitions.map(({ metadata }) => parseCommittedMetadata(metadata));
            const high = new Map(partitions.map((position) => [position.partition, position.high]));
            const ranges = plan.ranges.map((range) => ({
              ...range,
              readAheadTo: Math.min(high.get(range.partition) ?? 0, range.to + (range.to - range.from)),
            }));
            return {
              ...plan,
              ranges,
              plannedAtMs: Date.now(),
              watermarkMs: watermarkOf(committed),
              positions: Object.fromEntries(
                partitions.map((position) => [position.partition, position.committed]),
              ),
              forgotten: [...forgotten],
            };
          }
          const poll = () => sleep(POLL_MS, undefined, { signal });
          await (mayPlan ? arrival(deps.longPoll, args.topic, partitions).catch(poll) : poll());
        }
      },
      () => (Date.now() < args.notBeforeMs ? 'waiting for the next tick' : 'waiting for data'),
    );
  };
}

/** Waits for records beyond the known end of the partitions, at most half a second. */
const arrival = (longPoll: LongPoll, topic: string, held: readonly PartitionProgress[]): Promise<void> =>
  longPoll.wait(
    topic,
    held.map(({ partition, high }) => ({ partition, offset: high })),
  );

/** Whether the end of each of these ranges is committed. */
function stands(positions: readonly PartitionProgress[], after: PlanBatchArgs['after'] = []): boolean {
  const committed = new Map(positions.map((position) => [position.partition, position.committed]));
  return after.every(({ partition, to }) => (committed.get(partition) ?? 0) >= to);
}

/** Whether Kafka does not return the last commit of a worker yet. An offset that was set by hand has no worker name. */
function isBehind(
  positions: readonly (PartitionProgress & { metadata: string | null })[],
  known: OffsetsByPartition = {},
): boolean {
  return positions.some(
    ({ partition, committed, metadata }) =>
      committed < (known[String(partition)] ?? 0) && parseCommittedMetadata(metadata).worker !== '',
  );
}

/**
 * The committed offset of every partition. A partition without one starts at the end of a topic that was never read
 * (docs/scoring.md), and at the beginning when it was added later. Kafka deletes the offsets of a group without members that did
 * not change for `offsets.retention.minutes` (7 days by default): then the offset that the loop knows counts. A start is
 * committed immediately, because records that arrive before the first batch would be lost otherwise.
 * @param forgotten receives the partitions whose offset Kafka has lost
 */
async function committedOffsets(
  deps: PlanBatchDeps,
  { group, topic, known = {} }: PlanBatchArgs,
  forgotten: Set<number>,
): Promise<(PartitionProgress & { metadata: string | null })[]> {
  const partitions = await deps.offsets.read(group, topic);
  const knownOf = (partition: number) => known[String(partition)];
  const isNewTopic = partitions.every(
    ({ partition, committed }) => committed === null && knownOf(partition) === undefined,
  );
  const started = partitions.map(({ partition, committed, low, high, metadata }) => ({
    partition,
    committed: committed ?? knownOf(partition) ?? (isNewTopic ? high : low),
    low,
    high,
    metadata,
  }));
  const starts = started.filter((_, index) => partitions[index]?.committed === null);
  for (const { partition } of starts) if (knownOf(partition) !== undefined) forgotten.add(partition);
  await Promise.all(
    starts.map(({ partition, committed: offset }) =>
      commitOffset(deps, { group, topic, partition, offset }, { onlyFirst: true }),
    ),
  );
  return started;
}
