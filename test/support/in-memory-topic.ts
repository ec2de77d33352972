import { Context } from '@temporalio/activity';
import type { ScoringActivities } from '../../activities/index.ts';
import type { BatchPlan, PlanBatchArgs } from '../../activities/scoring/plan-batch.ts';
import type { ScoreRangeArgs } from '../../activities/scoring/score-range.ts';
import type { RangeReport } from '../../domain/scoring/range-report.ts';

/** The time of every plan. It is far in the future, so that the next tick is not due during a test. */
export const PLANNED_MS = Date.UTC(2100, 0, 1);

/** Longest wait for data of a plan. */
const MAX_WAIT_MS = 30_000;

/** A topic whose offsets exist in memory only, and the scoring activities over it. */
export interface InMemoryTopic {
  /** Committed offset of each partition. */
  readonly committed: number[];
  /** Offsets that each partition holds. A test may raise it. */
  offsets: number;
  /** Arguments of every plan so far. */
  readonly plans: PlanBatchArgs[];
  readonly activities: ScoringActivities;
}

export function inMemoryTopic(partitions: number, offsets: number): InMemoryTopic {
  const committed = Array.from({ length: partitions }, () => 0);
  const waitForBatch = createBatchBarrier();
  const topic: InMemoryTopic = {
    committed,
    offsets,
    plans: [],
    activities: {
      planBatch: async (args): Promise<BatchPlan> => {
        topic.plans.push(args);
        await waitForData(topic, args.maxWaitMs);
        const ranges = committed
          .map((from, partition) => ({
            partition,
            from,
            to: Math.min(topic.offsets, from + args.maxOffsets),
            readAheadTo: 0,
          }))
          .filter(({ from, to }) => to > from);
        waitForBatch.start(ranges.length);
        const lag = committed.reduce((sum, from) => sum + topic.offsets - from, 0);
        const positions = Object.fromEntries(committed.entries());
        const nothingElse = { expired: 0, truncated: [], forgotten: [], watermarkMs: null };
        return { plannedAtMs: PLANNED_MS, ranges, lag, positions, ...nothingElse };
      },
      scoreRange: async (range) => {
        committed[range.partition] = range.to;
        await waitForBatch.untilAllStarted();
        return rangeReport(range);
      },
      seekPartitions: () => Promise.resolve({}),
    },
  };
  return topic;
}

async function waitForData(topic: InMemoryTopic, maxWaitMs: number): Promise<void> {
  const context = Context.current();
  const deadline = Date.now() + Math.min(maxWaitMs, MAX_WAIT_MS);
  while (topic.committed.every((from) => from === topic.offsets) && Date.now() < deadline) {
    context.heartbeat(); // its reply reports a cancellation
    await context.sleep(10);
  }
}

/** Holds the ranges of a batch until all have started, because real ranges take long enough for that. */
function createBatchBarrier() {
  let started: (() => void)[] = [];
  let batchSize = 0;
  return {
    start(size: number): void {
      started = [];
      batchSize = size;
    },
    untilAllStarted: (): Promise<void> =>
      new Promise((resolve) => {
        started.push(resolve);
        if (started.length === batchSize) started.forEach((release) => release());
      }),
  };
}

/** The report of a range whose records were all scored. */
export const rangeReport = ({ partition, from, to }: ScoreRangeArgs): RangeReport => ({
  partition,
  committedNow: true,
  records: to - from,
  scored: to - from,
  deadLetters: 0,
  late: 0,
  superseded: 0,
  outdated: 0,
  enriched: true,
  phases: null,
});
