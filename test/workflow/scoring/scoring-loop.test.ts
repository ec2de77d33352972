import { ApplicationFailure, Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ScoringActivities } from '../../../activities/index.ts';
import type { BatchPlan, PlanBatchArgs } from '../../../activities/scoring/plan-batch.ts';
import { reportRangesTogether } from '../../../activities/scoring/report-together.ts';
import type { ScoreRangeArgs } from '../../../activities/scoring/score-range.ts';
import type { RangeReport } from '../../../domain/scoring/range-report.ts';
import { SCORING_TASK_QUEUE } from '../../../contract/workflow-ids.ts';
import { configureLoopUpdate, loopStateQuery, pauseLoopUpdate, resumeLoopUpdate, seekLoopUpdate } from '../../../contract/messages.ts';
import type { scoringLoop } from '../../../workflows/scoring/scoring-loop.ts';
import { until } from '../../support/until.ts';
import { createWorker, timeSkippingServer } from '../../support/time-skipping.ts';

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

/** In days to come: the next tick is not due while a test runs. */
const PLANNED_MS = Date.UTC(2100, 0, 1);

/** A topic of so many partitions that holds so many offsets each; planning and scoring over it, in memory. */
function topicOf(partitions: number, offsets: number) {
  const committed = Array.from({ length: partitions }, () => 0);
  let begun: (() => void)[] = [];
  let batchSize = 0;
  const topic = { committed, offsets, plans: [] as PlanBatchArgs[] };
  const activities: ScoringActivities = {
    planBatch: async (args): Promise<BatchPlan> => {
      topic.plans.push(args);
      const context = Context.current();
      const giveUp = Date.now() + Math.min(args.maxWaitMs, 30_000);
      while (committed.every((from) => from === topic.offsets) && Date.now() < giveUp) {
        context.heartbeat(); // its reply tells of a cancellation
        await context.sleep(10);
      }
      const ranges = committed
        .map((from, partition) => ({
          partition,
          from,
          to: Math.min(topic.offsets, from + args.maxOffsets),
          readAheadTo: 0,
        }))
        .filter(({ from, to }) => to > from);
      begun = [];
      batchSize = ranges.length;
      const lag = committed.reduce((sum, from) => sum + topic.offsets - from, 0);
      return { plannedAtMs: PLANNED_MS, ranges, lag, expired: 0, truncated: [], watermarkMs: null };
    },
    scoreRange: async (range) => {
      committed[range.partition] = range.to;
      // Real ranges take long enough for all of a batch to have begun.
      await new Promise<void>((resolve) => {
        begun.push(resolve);
        if (begun.length === batchSize) begun.forEach((go) => go());
      });
      return report(range);
    },
    seekPartitions: () => Promise.resolve({}),
  };
  return { ...topic, topic, activities };
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
        async () => (await loop.query(loopStateQuery)).totals.scored === 20 && plans.length > 3,
      );
      await loop.terminate();
    });
    expect(committed).toEqual([10, 10]);
    expect(plans.slice(0, 4).map(({ notBeforeMs }) => notBeforeMs)).toEqual([
      10_000,
      0,
      0,
      PLANNED_MS + 10_000,
    ]);
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

  test('ends a batch that does not get on when an operator seeks', async () => {
    const { activities, committed } = topicOf(2, 3);
    let stuck = true;
    const worker = await createWorker(env, SCORING_TASK_QUEUE, {
      ...activities,
      scoreRange: async (range: ScoreRangeArgs) => {
        if (!stuck) return activities.scoreRange(range);
        const context = Context.current();
        while (range.partition === 1) {
          context.heartbeat(); // its reply tells of a cancellation
          await context.sleep(10);
        }
        return report(range);
      },
      seekPartitions: () => {
        stuck = false;
        return Promise.resolve({ 0: 1, 1: 2 });
      },
    });
    await worker.runUntil(async () => {
      const loop = await startLoop();
      await until('it scores', async () => (await loop.query(loopStateQuery)).state === 'scoring');
      expect(await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'latest' }] })).toMatchObject({
        positions: { 0: 1, 1: 2 },
      });
      await until('it goes on', () => Promise.resolve(committed.every((offset) => offset === 3)));
      await loop.terminate();
    });
  });

  test('keeps where it stood by the plans and what was done since', async () => {
    const { activities, plans, topic } = topicOf(2, 3);
    const planBatch = activities.planBatch.bind(null);
    const worker = await createWorker(env, SCORING_TASK_QUEUE, {
      ...activities,
      planBatch: async (args: PlanBatchArgs) => {
        const plan = await planBatch(args);
        return {
          ...plan,
          positions: Object.fromEntries(topic.committed.entries()),
          forgotten: plan.ranges.length > 0 && topic.offsets === 5 ? [0] : [],
        };
      },
    });
    await worker.runUntil(async () => {
      const loop = await startLoop();
      await until('all are counted', async () => (await scored(loop)) === 6);
      expect(await loop.query(loopStateQuery)).toMatchObject({
        positions: { 0: 3, 1: 3 },
        disagreement: null,
      });
      expect(plans.at(-1)?.known).toEqual({ 0: 3, 1: 3 });
      topic.offsets = 5;
      await until('the rest is counted', async () => (await scored(loop)) === 10);
      expect((await loop.query(loopStateQuery)).disagreement).toMatchObject({ forgotten: [0] });
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
      await until('the loop gets there', async () => (await loop.query(loopStateQuery)).state === 'paused');
      expect(committed).toEqual([0]);
      await loop.executeUpdate(resumeLoopUpdate);
      await until('the loop gets there', async () => (await loop.query(loopStateQuery)).totals.scored === 6);
      expect((await loop.query(loopStateQuery)).batches).toBe(8);
      await loop.terminate();
    });
  });
});

const scored = async (loop: Awaited<ReturnType<typeof startLoop>>) =>
  (await loop.query(loopStateQuery)).totals.scored;

describe('ranges that report together', () => {
  /** Who told Temporal of the ranges of a batch, where they report over this connection. */
  async function reporters(connection: Connection): Promise<(string | null | undefined)[]> {
    const client = new Client({ connection, identity: 'client' });
    const worker = await createWorker(
      env,
      SCORING_TASK_QUEUE,
      reportRangesTogether(client, topicOf(3, 1).activities),
    );
    return worker.runUntil(async () => {
      const loop = await startLoop();
      await until('all are counted', async () => (await scored(loop)) === 3);
      const { events } = await loop.fetchHistory();
      await loop.terminate();
      return (events ?? [])
        .flatMap(({ activityTaskCompletedEventAttributes: completed }) => completed ?? [])
        .slice(1) // after the plan
        .map(({ identity }) => identity);
    });
  }

  test('do so over the client, one for the one that stays', async () => {
    expect(await reporters(env.connection)).toEqual(['client', 'client']);
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

describe('a range that is asked for the next batch', () => {
  type Topic = ReturnType<typeof topicOf>;
  type Loop = Awaited<ReturnType<typeof startLoop>>;
  async function withLoop(
    { activities }: Pick<Topic, 'activities'>,
    args: Parameters<typeof startLoop>[0],
    work: (loop: Loop) => Promise<void>,
  ): Promise<void> {
    const worker = await createWorker(env, SCORING_TASK_QUEUE, reportRangesTogether(env.client, activities));
    await worker.runUntil(async () => {
      const loop = await startLoop(args);
      await work(loop);
      await loop.terminate();
    });
  }
  const scheduled = async (loop: Loop, activity: string) =>
    ((await loop.fetchHistory()).events ?? []).filter(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity,
    ).length;
  /** Whom the plans were made by: the loop, or a range, which comes after another batch. */
  const planners = ({ topic }: Topic) =>
    topic.plans.map(
      ({ after, maxWaitMs }) => `${after ? 'range' : 'loop'} ${maxWaitMs > 0 ? 'waits' : 'looks'}`,
    );

  test('stays in the worker to plan it, while a sibling tells the loop of both', async () => {
    const three = topicOf(3, 1);
    await withLoop(three, {}, async (loop) => {
      for (const offsets of [2, 3]) {
        await until('it waits', () => Promise.resolve(three.topic.plans.length === offsets));
        await until('all are counted', async () => (await scored(loop)) === 3 * (offsets - 1));
        expect(await loop.query(loopStateQuery)).toMatchObject({ state: 'waiting', batches: offsets - 1 });
        three.topic.offsets = offsets;
      }
      await until('all are counted', async () => (await scored(loop)) === 9);
      expect(await scheduled(loop, 'planBatch')).toBe(1);
    });
    expect(planners(three).slice(0, 3)).toEqual(['loop waits', 'range waits', 'range waits']);
    expect(three.topic.plans[1]).toMatchObject({
      notBeforeMs: PLANNED_MS + 10_000,
      after: [0, 1, 2].map((partition) => ({ partition, to: 1 })),
    });
  });

  test('only looks where it is alone and data is scored as it comes, and tells both at once', async () => {
    const one = topicOf(1, 3);
    let held = true;
    const scoreRange = one.activities.scoreRange.bind(null);
    const activities = {
      ...one.activities,
      scoreRange: async (range: ScoreRangeArgs) => {
        const answer = await scoreRange(range);
        if (held) one.topic.offsets = 5; // they come while this is scored
        held = false;
        return answer;
      },
    };
    await withLoop({ activities }, { settings: { trigger: 'available' } }, async (loop) => {
      await until('it waits again', () => Promise.resolve(one.topic.plans.length === 4));
      expect(await scored(loop)).toBe(5);
      expect(await scheduled(loop, 'planBatch')).toBe(2);
    });
    expect(planners(one)).toEqual(['loop waits', 'range looks', 'range looks', 'loop waits']);
  });

  test('looks before all report where there is a backlog, and does not wait', async () => {
    const two = topicOf(2, 5);
    await withLoop(two, { settings: { maxOffsets: 3 } }, async (loop) => {
      await until('it waits', () => Promise.resolve(two.topic.plans.length === 3));
      await until('all are counted', async () => (await scored(loop)) === 10);
      expect(await scheduled(loop, 'planBatch')).toBe(1);
    });
    expect(planners(two)).toEqual(['loop waits', 'range looks', 'range waits']);
  });

  test('is not asked where it is alone with a timed trigger', async () => {
    const one = topicOf(1, 3);
    await withLoop(one, {}, () =>
      until('it waits again', () => Promise.resolve(one.topic.plans.length === 2)),
    );
    expect(planners(one)).toEqual(['loop waits', 'loop waits']);
  });

  test('leaves it to the loop where it cannot plan', async () => {
    const two = topicOf(2, 1);
    const planBatch = two.activities.planBatch.bind(null);
    const activities = {
      ...two.activities,
      planBatch: (args: PlanBatchArgs) => {
        if (args.after) throw new Error('no broker is reachable');
        return planBatch(args);
      },
    };
    await withLoop({ activities }, {}, async (loop) => {
      await until('the loop plans', () => Promise.resolve(two.topic.plans.length === 2));
      expect(await scored(loop)).toBe(2);
    });
  });

  test('does not hold up whoever steers while it waits', async () => {
    const two = topicOf(2, 1);
    await withLoop(two, {}, async (loop) => {
      await until('it waits', () => Promise.resolve(two.topic.plans.length === 2));
      await until('both are counted', async () => (await scored(loop)) === 2);
      expect(await loop.executeUpdate(pauseLoopUpdate)).toMatchObject({ paused: true });
      await until('it is paused', async () => (await loop.query(loopStateQuery)).state === 'paused');
      two.topic.offsets = 2;
      await loop.executeUpdate(resumeLoopUpdate);
      await until('the rest is counted', async () => (await scored(loop)) === 4);
    });
    expect(planners(two).slice(0, 3)).toEqual(['loop waits', 'range waits', 'loop waits']);
  });

  test('plans in vain where the settings change while it is scored', async () => {
    const two = topicOf(2, 1);
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const scoreRange = two.activities.scoreRange.bind(null);
    const activities = {
      ...two.activities,
      scoreRange: (range: ScoreRangeArgs) => released.then(() => scoreRange(range)),
    };
    await withLoop({ activities }, {}, async (loop) => {
      await until('it scores', async () => (await loop.query(loopStateQuery)).state === 'scoring');
      await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 7 }] });
      release();
      await until('it waits again', () => Promise.resolve(two.topic.plans.at(-1)?.maxOffsets === 7));
    });
    expect(two.topic.plans.at(-1)?.after).toBeUndefined();
  });
});
