import { ApplicationFailure } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ScoringActivities } from '../../activities/index.ts';
import type { BatchPlan, PlanBatchArgs } from '../../activities/plan-batch.ts';
import { reportRangesTogether } from '../../activities/report-together.ts';
import type { RangeReport, ScoreRangeArgs } from '../../activities/score-range.ts';
import { SCORING_TASK_QUEUE } from '../../workflows/ids.ts';
import { loopState, resumeLoop } from '../../workflows/messages.ts';
import type { scoringLoop } from '../../workflows/scoring-loop.ts';
import { until } from '../support/until.ts';
import { createWorker, timeSkippingServer } from '../support/time-skipping.ts';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await timeSkippingServer();
});
afterAll(() => env.teardown());

const report = (range: ScoreRangeArgs): RangeReport => ({
  partition: range.partition,
  committedNow: true,
  records: range.to - range.from,
  scored: range.to - range.from,
  deadLetters: 0,
  late: 0,
  superseded: 0,
  outdated: 0,
  enriched: true,
  phases: null,
});

/** A topic of so many partitions that holds so many offsets; planning and scoring over it, in memory. */
function topicOf(partitions: number, offsets: number) {
  const committed = Array.from({ length: partitions }, () => 0);
  const plans: PlanBatchArgs[] = [];
  const activities: ScoringActivities = {
    planBatch: async (args): Promise<BatchPlan> => {
      plans.push(args);
      const ranges = committed
        .map((from, partition) => ({
          partition,
          from,
          to: Math.min(offsets, from + args.maxOffsets),
          readAheadTo: 0,
        }))
        .filter(({ from, to }) => to > from);
      if (ranges.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      const lag = committed.reduce((sum, from) => sum + offsets - from, 0);
      return { plannedAtMs: 1_000_000, ranges, lag, expired: 0, truncated: [], watermarkMs: null };
    },
    scoreRange: (range) => {
      committed[range.partition] = range.to;
      return Promise.resolve(report(range));
    },
    seekPositions: () => Promise.resolve({}),
  };
  return { activities, committed, plans };
}

let ids = 0;
const startLoop = (args: Partial<Parameters<typeof scoringLoop>[0]> = {}) =>
  env.client.workflow.start<typeof scoringLoop>('scoringLoop', {
    taskQueue: SCORING_TASK_QUEUE,
    workflowId: `loop-${(ids += 1)}`,
    args: [{ topic: 'kol.profiles.raw', ...args }],
  });
describe('the scoring loop', () => {
  test('works a backlog off back to back, and waits for the trigger only when there is none', async () => {
    const { activities, committed, plans } = topicOf(2, 10);
    const worker = await createWorker(env, SCORING_TASK_QUEUE, activities);
    await worker.runUntil(async () => {
      const loop = await startLoop({ settings: { maxOffsets: 4 } });
      await until(
        'the loop gets there',
        async () => (await loop.query(loopState)).totals.scored === 20 && plans.length > 3,
      );
      await loop.terminate();
    });
    expect(committed).toEqual([10, 10]);
    expect(plans.slice(0, 4).map(({ notBeforeMs }) => notBeforeMs)).toEqual([10_000, 0, 0, 1_010_000]);
  });

  test('looks at once for more where data is to be scored as it comes', async () => {
    const { activities, plans } = topicOf(1, 3);
    const worker = await createWorker(env, SCORING_TASK_QUEUE, activities);
    await worker.runUntil(async () => {
      const loop = await startLoop({ settings: { trigger: 'available' } });
      await until('it waits again', () => Promise.resolve(plans.length === 3));
      await loop.terminate();
    });
    // The second is a look within the task that ended the batch; there was nothing, so the third waits.
    expect(plans.map(({ maxWaitMs }) => maxWaitMs > 0)).toEqual([true, false, true]);
  });

  test('plans anew when Kafka no longer agrees with a plan', async () => {
    const { activities, committed } = topicOf(1, 3);
    let refused = false;
    const worker = await createWorker(env, SCORING_TASK_QUEUE, {
      ...activities,
      scoreRange: (range: ScoreRangeArgs) => {
        if (refused) return activities.scoreRange(range);
        refused = true;
        throw ApplicationFailure.nonRetryable('planned from 5, committed is 0', 'StalePlan');
      },
    });
    await worker.runUntil(async () => {
      const loop = await startLoop();
      await until('the loop gets there', () => Promise.resolve(committed[0] === 3));
      await loop.terminate();
    });
  });

  test('takes nothing while it is paused, also as it continues as new, and goes on when it is resumed', async () => {
    const { activities, committed } = topicOf(1, 5);
    const worker = await createWorker(env, SCORING_TASK_QUEUE, activities);
    await worker.runUntil(async () => {
      const loop = await startLoop({
        carried: {
          paused: true,
          batches: 7,
          totals: { records: 1, scored: 1, deadLetters: 0, late: 0, superseded: 0, expired: 0 },
          lastBatch: null,
        },
      });
      await until('the loop gets there', async () => (await loop.query(loopState)).state === 'paused');
      expect(committed).toEqual([0]);
      await loop.executeUpdate(resumeLoop);
      await until('the loop gets there', async () => (await loop.query(loopState)).totals.scored === 6);
      expect((await loop.query(loopState)).batches).toBe(8);
      await loop.terminate();
    });
  });
});

describe('ranges that report together', () => {
  /** Who told Temporal of the three ranges of a batch, where ranges report over this connection. */
  async function reporters(connection: Connection): Promise<(string | null | undefined)[]> {
    const client = new Client({ connection, identity: 'client' });
    const worker = await createWorker(
      env,
      SCORING_TASK_QUEUE,
      reportRangesTogether(client, topicOf(3, 1).activities),
    );
    return worker.runUntil(async () => {
      const loop = await startLoop();
      await until('all are counted', async () => (await loop.query(loopState)).totals.scored === 3);
      const { events } = await loop.fetchHistory();
      await loop.terminate();
      return (events ?? [])
        .flatMap(({ activityTaskCompletedEventAttributes: completed }) => completed ?? [])
        .slice(1, 4) // after the plan
        .map(({ identity }) => identity);
    });
  }

  test('do so over the client', async () => {
    expect(await reporters(env.connection)).toEqual(['client', 'client', 'client']);
  });

  test('are reported by the worker where the client cannot reach Temporal', async () => {
    const nobodyThere = Connection.lazy({ address: '127.0.0.1:1' });
    try {
      const [worker] = await reporters(nobodyThere);
      expect(worker).toMatch(/@/);
    } finally {
      await nobodyThere.close();
    }
  });
});
