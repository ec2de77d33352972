import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withHeartbeat } from '../../../activities/heartbeat.ts';
import type { WarmActivities } from '../../../activities/index.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import type { warmCache } from '../../../workflows/warming/warm-cache.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { reportOf } from '../../support/part-report.ts';
import { testEngines } from '../../support/test-engines.ts';
import { until } from '../../support/until.ts';
import { withWorker } from '../../support/worker.ts';

let dependencies: Awaited<ReturnType<typeof testDependencies>>;
beforeAll(async () => {
  dependencies = await testDependencies(testConfig(3));
});
afterAll(() => dependencies.close());

test('100 concurrent warms cause 2 runs of a part, one after the other, and each warm receives the report of its run', async () => {
  let runs = 0;
  let running = 0;
  let overlaps = 0;
  const activities: WarmActivities = {
    ...dependencies.activities.warm,
    // Without heartbeats a slow machine would exceed the heartbeat timeout, and the activity would run again.
    warmStats: () =>
      withHeartbeat(async () => {
        running += 1;
        if (running > 1) overlaps += 1;
        const keys = (runs += 1);
        await allRequested;
        running -= 1;
        return reportOf('stats', keys);
      }),
  };
  let resolveAllRequested: () => void = () => {};
  const allRequested = new Promise<void>((resolve) => (resolveAllRequested = resolve));
  let requests = 0;
  const signalPartWarmer: WarmActivities['signalPartWarmer'] = async (args) => {
    await dependencies.activities.warm.signalPartWarmer(args);
    if ((requests += 1) === 100) resolveAllRequested();
  };

  const warm = (index: number) =>
    dependencies.temporal.workflow.execute<typeof warmCache>('warmCache', {
      taskQueue: WARM_TASK_QUEUE,
      workflowId: `test-coalesce-${process.pid}-${index}`,
      args: [{ parts: ['stats'] }],
    });
  const reports = await withWorker(WARM_TASK_QUEUE, { ...activities, signalPartWarmer }, async () => {
    const first = warm(0);
    await until('the first run has begun', () => Promise.resolve(runs === 1));
    return Promise.all([first, ...Array.from({ length: 99 }, (_, index) => warm(index + 1))]);
  });

  expect(overlaps).toBe(0);
  expect(runs).toBe(2);
  // `keys` is the number of the run. The first run serves the first request; the second run serves all that arrived during the first one.
  expect(reports.map(({ keys }) => keys)).toEqual([1, ...Array<number>(99).fill(2)]);
});

test('a warm that an operator resets keeps the outcomes that it has, and waits for the others', async () => {
  const { temporal, activities: real } = dependencies;
  let releaseLists: () => void = () => {};
  const released = new Promise<void>((resolve) => (releaseLists = resolve));
  const activities: WarmActivities = {
    ...real.warm,
    warmStats: () => Promise.resolve(reportOf('stats', 7)),
    warmLists: () =>
      withHeartbeat(async () => {
        await released;
        return reportOf('lists', 9);
      }),
  };
  const workflowId = `test-reset-${process.pid}`;
  const report = await withWorker(WARM_TASK_QUEUE, activities, async () => {
    const options = {
      taskQueue: WARM_TASK_QUEUE,
      workflowId,
      args: [{ parts: ['stats', 'lists'] }] as const,
    };
    const first = await temporal.workflow.start<typeof warmCache>('warmCache', {
      ...options,
      args: [...options.args],
    });
    const historyOf = async () => (await first.fetchHistory()).events ?? [];
    const outcomeOf = (events: Awaited<ReturnType<typeof historyOf>>) =>
      events.findIndex((event) => event.workflowExecutionSignaledEventAttributes != null);
    await until('the outcome of a part is worked on', async () => {
      const events = await historyOf();
      const outcome = outcomeOf(events);
      return (
        outcome >= 0 &&
        events.slice(outcome).some((event) => event.workflowTaskCompletedEventAttributes != null)
      );
    });
    const events = await historyOf();
    const task = events.findLast((event) => event.workflowTaskCompletedEventAttributes != null);
    await temporal.workflowService.resetWorkflowExecution({
      namespace: testEngines().TEMPORAL_NAMESPACE,
      workflowExecution: { workflowId, runId: first.firstExecutionRunId },
      workflowTaskFinishEventId: task?.eventId ?? null,
      requestId: randomUUID(),
      reason: 'a test',
    });
    releaseLists();
    return temporal.workflow.getHandle<typeof warmCache>(workflowId).result();
  });
  expect(report.parts.map(({ part, keys }) => [part, keys])).toEqual([
    ['stats', 7],
    ['lists', 9],
  ]);
});
