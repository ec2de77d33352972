import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ScoringActivities } from '../../../activities/index.ts';
import { reportRangesTogether } from '../../../activities/scoring/report-together.ts';
import { configureLoopUpdate, pauseLoopUpdate, resumeLoopUpdate } from '../../../contract/messages.ts';
import type { ScoringLoopInput } from '../../../contract/scoring-loop.ts';
import { inMemoryTopic, PLANNED_MS, type InMemoryTopic } from '../../support/in-memory-topic.ts';
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
) => withTimeSkippingLoop(env, reportRangesTogether(env.client, activities), args, work);

/** Plans that the loop requested as a separate activity. */
const planActivities = async (loop: TimeSkippingLoop) =>
  ((await loop.fetchHistory()).events ?? []).filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'planBatch',
  ).length;

/** The maker of each plan (a range names the batch before it), and whether the plan could wait for data. */
const planners = ({ plans }: InMemoryTopic) =>
  plans.map(
    ({ after, maxWaitMs }) => `${after ? 'range' : 'loop'} ${maxWaitMs > 0 ? 'waits' : 'does not wait'}`,
  );

describe('the range that plans the next batch', () => {
  test('stays in the worker while it waits for data; another range carries its report to the loop', async () => {
    const topic = inMemoryTopic(3, 1);
    await withLoop(topic.activities, {}, async (loop) => {
      for (const offsets of [2, 3]) {
        await until('the next plan waits', () => Promise.resolve(topic.plans.length === offsets));
        await until('all are counted', async () => (await scoredCount(loop)) === 3 * (offsets - 1));
        expect(await loopState(loop)).toMatchObject({ state: 'waiting', batches: offsets - 1 });
        topic.offsets = offsets;
      }
      await until('all are counted', async () => (await scoredCount(loop)) === 9);
      expect(await planActivities(loop)).toBe(1);
    });
    expect(planners(topic).slice(0, 3)).toEqual(['loop waits', 'range waits', 'range waits']);
    expect(topic.plans[1]).toMatchObject({
      notBeforeMs: PLANNED_MS + 10_000,
      after: [0, 1, 2].map((partition) => ({ partition, to: 1 })),
    });
  });

  test('does not wait when it is alone with trigger "available": it reports its result and the plan together', async () => {
    const topic = inMemoryTopic(1, 3);
    let isFirst = true;
    const scoreRange: ScoringActivities['scoreRange'] = async (range) => {
      const answer = await topic.activities.scoreRange(range);
      if (isFirst) topic.offsets = 5; // they arrive while this range is scored
      isFirst = false;
      return answer;
    };
    const settings = { trigger: 'available' } as const;
    await withLoop({ ...topic.activities, scoreRange }, { settings }, async (loop) => {
      await until('the loop plans again', () => Promise.resolve(topic.plans.length === 4));
      expect(await scoredCount(loop)).toBe(5);
      expect(await planActivities(loop)).toBe(2);
    });
    expect(planners(topic)).toEqual([
      'loop waits',
      'range does not wait',
      'range does not wait',
      'loop waits',
    ]);
  });

  test('plans before all ranges report and does not wait when there is a backlog', async () => {
    const topic = inMemoryTopic(2, 5);
    await withLoop(topic.activities, { settings: { maxOffsets: 3 } }, async (loop) => {
      await until('the next plan waits', () => Promise.resolve(topic.plans.length === 3));
      await until('all are counted', async () => (await scoredCount(loop)) === 10);
      expect(await planActivities(loop)).toBe(1);
    });
    expect(planners(topic)).toEqual(['loop waits', 'range does not wait', 'range waits']);
  });

  test('does not exist when the only range has a timed trigger: the loop plans', async () => {
    const topic = inMemoryTopic(1, 3);
    await withLoop(topic.activities, {}, () =>
      until('the loop plans again', () => Promise.resolve(topic.plans.length === 2)),
    );
    expect(planners(topic)).toEqual(['loop waits', 'loop waits']);
  });

  test('leaves the plan to the loop when it cannot plan', async () => {
    const topic = inMemoryTopic(2, 1);
    const planBatch: ScoringActivities['planBatch'] = (args) => {
      if (args.after) throw new Error('no broker is reachable');
      return topic.activities.planBatch(args);
    };
    await withLoop({ ...topic.activities, planBatch }, {}, async (loop) => {
      await until('the loop plans', () => Promise.resolve(topic.plans.length === 2));
      expect(await scoredCount(loop)).toBe(2);
    });
  });

  test('does not delay an operator while it waits', async () => {
    const topic = inMemoryTopic(2, 1);
    await withLoop(topic.activities, {}, async (loop) => {
      await until('the next plan waits', () => Promise.resolve(topic.plans.length === 2));
      await until('both are counted', async () => (await scoredCount(loop)) === 2);
      expect(await loop.executeUpdate(pauseLoopUpdate)).toMatchObject({ paused: true });
      await until('it is paused', async () => (await loopState(loop)).state === 'paused');
      topic.offsets = 2;
      await loop.executeUpdate(resumeLoopUpdate);
      await until('the rest is counted', async () => (await scoredCount(loop)) === 4);
    });
    expect(planners(topic).slice(0, 3)).toEqual(['loop waits', 'range waits', 'loop waits']);
  });

  test('makes a plan that the loop discards when the settings change during the batch', async () => {
    const topic = inMemoryTopic(2, 1);
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const scoreRange: ScoringActivities['scoreRange'] = (range) =>
      released.then(() => topic.activities.scoreRange(range));
    await withLoop({ ...topic.activities, scoreRange }, {}, async (loop) => {
      await until('it scores', async () => (await loopState(loop)).state === 'scoring');
      await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 7 }] });
      release();
      await until('it plans with the new settings', () =>
        Promise.resolve(topic.plans.at(-1)?.maxOffsets === 7),
      );
    });
    expect(topic.plans.at(-1)?.after).toBeUndefined();
  });
});
