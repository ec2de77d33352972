import { setTimeout as sleep } from 'node:timers/promises';
import type { LongPoll } from '../../clients/kafka/long-poll.ts';
import { parseCommittedMetadata, watermarkOf } from '../../domain/scoring/committed-metadata.ts';
import type { OffsetsByPartition } from '../../domain/scoring/compare-offsets.ts';
import { planRanges, type PartitionRange, type Position } from '../../domain/scoring/plan-ranges.ts';
import { withHeartbeat } from '../heartbeat.ts';
import { commitOffset, type CommitOffsetDeps } from './commit-offset.ts';

export interface PlanBatchArgs {
  readonly topic: string;
  readonly group: string;
  readonly maxOffsets: number;
  /** Wait for this time (ms since 1970) before looking: the trigger's next tick. */
  readonly notBeforeMs: number;
  /** Then wait for data at most this long, before answering with no ranges. */
  readonly maxWaitMs: number;
  /** The batch that this one follows: nothing is planned before the group stands at the end of its ranges. */
  readonly after?: readonly Pick<PartitionRange, 'partition' | 'to'>[];
  /** Where the loop saw the group last: what counts where Kafka has forgotten it. */
  readonly known?: OffsetsByPartition;
}

/** A range, and how far its partition may be read ahead: as much again, where there is that much. */
export interface PlannedRange extends PartitionRange {
  readonly readAheadTo: number;
}

/** A planned micro-batch; small enough for history. */
export interface BatchPlan {
  readonly plannedAtMs: number;
  readonly ranges: readonly PlannedRange[];
  /** Offsets behind the end when planned, this batch included. */
  readonly lag: number;
  readonly expired: number;
  readonly truncated: readonly number[];
  readonly watermarkMs: number | null;
  /** Where the group stands in every partition; absent in plans of workers that did not say so yet. */
  readonly positions?: OffsetsByPartition;
  /** Partitions in which Kafka had forgotten that. */
  readonly forgotten?: readonly number[];
}

export interface PlanBatchDeps extends CommitOffsetDeps {
  readonly longPoll: LongPoll;
  /** Aborted when the worker begins to stop. */
  readonly draining: AbortSignal;
}

/** Where Kafka does not say when there is something new, it is asked this often. */
const POLL_MS = 50;
/** After a commit Kafka tells the offset before it until its marker is written, which takes milliseconds. */
const SETTLE_MS = 2000;

/**
 * Plans the next batch from Kafka's committed offsets, which are the truth; waits for data inside the activity, so that
 * idle time costs no history.
 */
export function createPlanBatch(deps: PlanBatchDeps) {
  return async function planBatch(args: PlanBatchArgs): Promise<BatchPlan> {
    return withHeartbeat(
      async (cancelled) => {
        // A worker that stops hands the waiting over at once: this attempt fails, the next one runs elsewhere.
        const signal = AbortSignal.any([cancelled, deps.draining]);
        await sleep(Math.max(0, args.notBeforeMs - Date.now()), undefined, { signal });
        const waitUntil = Date.now() + args.maxWaitMs;
        const settledBy = Date.now() + SETTLE_MS;
        const forgotten = new Set<number>();
        for (;;) {
          signal.throwIfAborted();
          const partitions = await positionsOf(deps, args, forgotten);
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

/** Waits for more than these partitions held, half a second at most. */
const arrival = (longPoll: LongPoll, topic: string, held: readonly Position[]): Promise<void> =>
  longPoll.wait(
    topic,
    held.map(({ partition, high }) => ({ partition, offset: high })),
  );

/** Whether the group stands at the end of these ranges, or further. */
function stands(positions: readonly Position[], after: PlanBatchArgs['after'] = []): boolean {
  const committed = new Map(positions.map((position) => [position.partition, position.committed]));
  return after.every(({ partition, to }) => (committed.get(partition) ?? 0) >= to);
}

/** Whether a worker's commit is not what Kafka tells yet. Who sets an offset by hand leaves no worker's name. */
function isBehind(
  positions: readonly (Position & { metadata: string | null })[],
  known: OffsetsByPartition = {},
): boolean {
  return positions.some(
    ({ partition, committed, metadata }) =>
      committed < (known[String(partition)] ?? 0) && parseCommittedMetadata(metadata).worker !== '',
  );
}

/**
 * Where the group stands. Where it never stood, it starts: at the end on a topic that was never read (domain.md: latest),
 * at the beginning of a partition that was added since. Kafka forgets where a group without members stands when it has not
 * moved for `offsets.retention.minutes` (7 days by default): then the loop's own word counts. A start is committed at once, or
 * what comes before the first batch would be lost.
 * @param forgotten partitions of which Kafka forgot it are added to these
 */
async function positionsOf(
  deps: PlanBatchDeps,
  { group, topic, known = {} }: PlanBatchArgs,
  forgotten: Set<number>,
): Promise<(Position & { metadata: string | null })[]> {
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
