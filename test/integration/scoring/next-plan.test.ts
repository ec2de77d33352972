import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BatchPlan, PlanBatchArgs } from '../../../activities/scoring/plan-batch.ts';
import { loopStateQuery } from '../../../contract/messages.ts';
import { SCORING_TASK_QUEUE } from '../../../contract/task-queues.ts';
import type { scoringLoop } from '../../../workflows/scoring/scoring-loop.ts';
import { testDependencies } from '../../support/dependencies.ts';
import {
  outcomeCount,
  event,
  loopHarness,
  type LoopHandle,
  type LoopHarness,
} from '../../support/loop-harness.ts';
import { until } from '../../support/until.ts';
import { withWorker } from '../../support/worker.ts';

const PARTITIONS = 3;
let harness: LoopHarness;
let topic: string;
beforeAll(async () => {
  harness = await loopHarness(3, { latencyMs: 1 });
});
afterAll(() => harness.close());
beforeEach(async () => {
  topic = await harness.newTopic(PARTITIONS);
});

/** Produces one event to each partition. */
const sendRound = (round: number) =>
  harness.producer.send({
    topic,
    messages: Array.from({ length: PARTITIONS }, (_, partition) => ({
      ...event('profiles', `r-${round}-${partition}`),
      partition,
    })),
  });
const roundIsDone = (loop: LoopHandle, round: number) =>
  until(
    `round ${round} has its outcomes`,
    async () => (await outcomeCount(loop)) === PARTITIONS * (round + 1),
  );
const runOf = (loop: LoopHandle, runId: string) =>
  harness.dependencies.temporal.workflow.getHandle<typeof scoringLoop>(loop.workflowId, runId);

describe('batches whose ranges plan the next one', () => {
  test('stay within their budget of history events, and continue as new between two batches', async () => {
    await harness.withLoop(
      topic,
      async (loop) => {
        const { runId } = await loop.describe();
        for (let round = 0; (await loop.describe()).runId === runId; round += 1) {
          await sendRound(round);
          await roundIsDone(loop, round);
        }
        const first = runOf(loop, runId);
        const events = (await first.fetchHistory()).events ?? [];
        // When a range reports during continue-as-new, the server refuses the task and the run tries again 2 seconds later.
        expect(events.filter((one) => one.workflowTaskFailedEventAttributes)).toEqual([]);
        const { batches } = await first.query(loopStateQuery);
        const ranges = events.filter(
          (one) => one.activityTaskScheduledEventAttributes?.activityType?.name === 'scoreRange',
        );
        expect(batches).toBeGreaterThan(20);
        expect(events.length).toBeLessThanOrEqual(9 * batches + 3 * ranges.length);
      },
      { settings: { trigger: 'available' } },
    );
  });

  test('run on several workers, and none is planned before the last one is fully committed', async () => {
    const another = await testDependencies(harness.config);
    try {
      await withWorker(SCORING_TASK_QUEUE, another.scoringActivities, () =>
        harness.withLoop(topic, async (loop) => {
          for (let round = 0; round < 20; round += 1) {
            await sendRound(round);
            await roundIsDone(loop, round);
          }
          const { events } = await loop.fetchHistory();
          const results = (events ?? []).flatMap(
            ({ activityTaskCompletedEventAttributes: completed }) => completed?.result?.payloads ?? [],
          );
          const planned = results.filter(({ data }) => Buffer.from(data ?? []).includes('"next":'));
          expect(planned.length).toBeGreaterThan(0);
        }),
      );
    } finally {
      await another.close();
    }
  });
});

test('a plan waits until every range of the previous batch is committed', async () => {
  await harness.withLoop(topic, async (loop) => {
    await sendRound(0);
    await roundIsDone(loop, 0);
  });
  await sendRound(1);
  const { planBatch } = harness.dependencies.scoringActivities;
  const args = { topic, group: harness.config.SCORING_GROUP, maxOffsets: 10, notBeforeMs: 0, maxWaitMs: 200 };
  const rangesAfter = async (ends: readonly number[]) => {
    const after = ends.map((to, partition) => ({ partition, to }));
    const run = (all: PlanBatchArgs) => planBatch(all);
    const plan = await new MockActivityEnvironment().run<[PlanBatchArgs], BatchPlan, typeof run>(run, {
      ...args,
      after,
    });
    return plan.ranges.map(({ partition, from, to }) => [partition, from, to]);
  };
  expect(await rangesAfter([1, 2, 1])).toEqual([]);
  expect(await rangesAfter([1, 1, 1])).toEqual([
    [0, 1, 2],
    [1, 1, 2],
    [2, 1, 2],
  ]);
});
