import { ApplicationFailure, Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ScoringActivities } from '../../../activities/index.ts';
import { failureTypes } from '../../../contract/failure-types.ts';
import { configureLoopUpdate, resumeLoopUpdate, seekLoopUpdate } from '../../../contract/messages.ts';
import type { LoopSettings, ScoringLoopInput } from '../../../contract/scoring-loop.ts';
import { inMemoryTopic, PLANNED_MS, rangeReport } from '../../support/in-memory-topic.ts';
import {
  loopState,
  scoredCount,
  withTimeSkippingLoop,
  type TimeSkippingLoop,
} from '../../support/time-skipping-loop.ts';
import { timeSkippingServer } from '../../support/time-skipping.ts';
import { until } from '../../support/until.ts';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await timeSkippingServer();
});
afterAll(() => env.teardown());

const withLoop = (
  activities: ScoringActivities,
  args: Partial<ScoringLoopInput>,
  work: (loop: TimeSkippingLoop) => Promise<void>,
) => withTimeSkippingLoop(env, activities, args, work);

describe('the scoring loop', () => {
  test('scores a backlog batch after batch, and waits for the trigger only without a backlog', async () => {
    const { activities, committed, plans } = inMemoryTopic(2, 10);
    await withLoop(activities, { settings: { maxOffsets: 4 } }, (loop) =>
      until('20 events are scored', async () => (await scoredCount(loop)) === 20 && plans.length > 3),
    );
    expect(committed).toEqual([10, 10]);
    expect(plans.slice(0, 4).map(({ notBeforeMs }) => notBeforeMs)).toEqual([
      10_000,
      0,
      0,
      PLANNED_MS + 10_000,
    ]);
  });

  test('plans again when the committed offset in Kafka is not the planned one', async () => {
    const { activities, committed } = inMemoryTopic(1, 3);
    let isRefused = false;
    const scoreRange: ScoringActivities['scoreRange'] = (range) => {
      if (isRefused) return activities.scoreRange(range);
      isRefused = true;
      throw ApplicationFailure.nonRetryable('planned from 5, committed is 0', failureTypes.stalePlan);
    };
    await withLoop({ ...activities, scoreRange }, {}, () =>
      until('offset 3 is committed', () => Promise.resolve(committed[0] === 3)),
    );
  });

  test('ends a batch that makes no progress when an operator seeks', async () => {
    const { activities, committed } = inMemoryTopic(2, 3);
    let isStuck = true;
    const scoreRange: ScoringActivities['scoreRange'] = async (range) => {
      if (!isStuck) return activities.scoreRange(range);
      const context = Context.current();
      while (range.partition === 1) {
        context.heartbeat(); // its reply reports a cancellation
        await context.sleep(10);
      }
      return rangeReport(range);
    };
    const seekPartitions = () => {
      isStuck = false;
      return Promise.resolve({ 0: 1, 1: 2 });
    };
    await withLoop({ ...activities, scoreRange, seekPartitions }, {}, async (loop) => {
      await until('it scores', async () => (await loopState(loop)).state === 'scoring');
      expect(await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'latest' }] })).toMatchObject({
        positions: { 0: 1, 1: 2 },
      });
      await until('it has scored the rest', () => Promise.resolve(committed.every((offset) => offset === 3)));
    });
  });

  test('keeps the committed offsets of its plans and batches, and reports lost ones', async () => {
    const topic = inMemoryTopic(2, 3);
    const planBatch: ScoringActivities['planBatch'] = async (args) => {
      const plan = await topic.activities.planBatch(args);
      return { ...plan, forgotten: plan.ranges.length > 0 && topic.offsets === 5 ? [0] : [] };
    };
    await withLoop({ ...topic.activities, planBatch }, {}, async (loop) => {
      await until('6 events are counted', async () => (await scoredCount(loop)) === 6);
      expect(await loopState(loop)).toMatchObject({ positions: { 0: 3, 1: 3 }, disagreement: null });
      expect(topic.plans.at(-1)?.known).toEqual({ 0: 3, 1: 3 });
      topic.offsets = 5;
      await until('10 events are counted', async () => (await scoredCount(loop)) === 10);
      expect((await loopState(loop)).disagreement).toMatchObject({ forgotten: [0] });
    });
  });

  test('keeps a setting that a change names as null, because null counts as absent', async () => {
    const change = { maxOffsets: 5, trigger: null } as unknown as Partial<LoopSettings>;
    await withLoop(inMemoryTopic(1, 0).activities, {}, async (loop) => {
      const { settings } = await loop.executeUpdate(configureLoopUpdate, { args: [change] });
      expect(settings).toEqual({ maxOffsets: 5, trigger: 10 });
    });
  });

  test('scores nothing while it is paused, also after continue-as-new, and continues when it is resumed', async () => {
    const { activities, committed } = inMemoryTopic(1, 5);
    const carried = {
      paused: true,
      batches: 7,
      totals: { records: 1, scored: 1, deadLetters: 0, late: 0, superseded: 0, expired: 0 },
      lastBatch: null,
      positions: {},
      disagreement: null,
    };
    await withLoop(activities, { carried }, async (loop) => {
      await until('it is paused', async () => (await loopState(loop)).state === 'paused');
      expect(committed).toEqual([0]);
      await loop.executeUpdate(resumeLoopUpdate);
      await until('all events are counted', async () => (await scoredCount(loop)) === 6);
      expect((await loopState(loop)).batches).toBe(8);
    });
  });
});
