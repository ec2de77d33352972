import type { WorkflowFailedError, WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withHeartbeat } from '../../../activities/heartbeat.ts';
import type { WarmActivities } from '../../../activities/index.ts';
import type { WarmPartArgs } from '../../../activities/warming/part-warm.ts';
import { createSignalPartWarmer } from '../../../activities/warming/signal-part-warmer.ts';
import {
  partWarmedSignal,
  warmProgressQuery,
  warmRequestedSignal,
  warmWithdrawnSignal,
} from '../../../contract/messages.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { partWarmerId } from '../../../contract/workflow-ids.ts';
import type { warmCache } from '../../../workflows/warming/warm-cache.ts';
import { anyArguments, failedTasks, sendSignals } from '../../support/any-payload.ts';
import { reportOf } from '../../support/part-report.ts';
import { createWorker, timeSkippingServer } from '../../support/time-skipping.ts';
import { until } from '../../support/until.ts';

let env: TestWorkflowEnvironment;
beforeEach(async () => {
  env = await timeSkippingServer();
});
afterEach(() => env.teardown());

/** A warm that runs until the test ends or cancels it. */
interface Run {
  readonly ids: readonly string[] | undefined;
  readonly allowShrink: boolean;
  readonly end: () => void;
  state: 'running' | 'done' | 'cancelled';
}

/** Activities whose warms of profiles run until the test ends them. */
function manualWarms() {
  const runs: Run[] = [];
  let requests = 0;
  const signalPartWarmer = createSignalPartWarmer({ temporal: env.client });
  const activities = {
    checkSourceSchema: () => Promise.resolve({ renamed: [], mismatched: [] }),
    dropOutdated: () => Promise.resolve(0),
    getRedisMemory: () => Promise.resolve({ keys: 1, usedBytes: 1, maxBytes: 0, policy: 'noeviction' }),
    async signalPartWarmer(args: Parameters<typeof signalPartWarmer>[0]) {
      await signalPartWarmer(args);
      requests += 1;
    },
    warmProfileIds: ({ scope, allowShrink }: WarmPartArgs) =>
      withHeartbeat(async (signal) => {
        await new Promise<void>((end, reject) => {
          const run: Run = { ids: scope?.ids, allowShrink, end, state: 'running' };
          runs.push(run);
          signal.addEventListener('abort', () => {
            run.state = 'cancelled';
            reject(signal.reason as Error);
          });
        });
        const run = runs.at(-1);
        if (run) run.state = 'done';
        return reportOf('profiles', scope?.ids?.length ?? 0);
      }),
  } as Partial<WarmActivities>;
  return {
    activities,
    runs,
    untilRequested: (count: number) =>
      until(`${count} warms have sent their request`, () => Promise.resolve(requests === count)),
  };
}

let warms = 0;
const warm = (...ids: string[]) => warmIds(ids, false);
const warmIds = (ids: string[], allowShrink: boolean): Promise<WorkflowHandle<typeof warmCache>> =>
  env.client.workflow.start<typeof warmCache>('warmCache', {
    taskQueue: WARM_TASK_QUEUE,
    workflowId: `warm-${(warms += 1)}`,
    args: [{ scopes: { profiles: { ids } }, allowShrink }],
  });
/** Starts a warm and waits until its run has started. */
async function startFirst(runs: readonly Run[]): Promise<WorkflowHandle<typeof warmCache>> {
  const first = await warm('0');
  await until('the first run has started', () => Promise.resolve(runs.length === 1));
  return first;
}
const failureOf = (run: WorkflowHandle<typeof warmCache>): Promise<unknown> =>
  run.result().then(
    () => 'the warm did not fail',
    (error: unknown) => (error as WorkflowFailedError).cause,
  );
const warmer = () => env.client.workflow.getHandle(partWarmerId('profiles'));

test('one run serves all waiting requests over the union of their scopes, also when one of them is cancelled', async () => {
  const { activities, runs, untilRequested } = manualWarms();
  const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
  await worker.runUntil(async () => {
    const first = await startFirst(runs);
    const second = await warm('1', '2');
    const third = await warm('2', '3');
    await untilRequested(3);
    runs[0]?.end();
    expect((await first.result()).keys).toBe(1);
    await until('the second run has started', () => Promise.resolve(runs.length === 2));
    expect([...(runs[1]?.ids ?? [])].sort()).toEqual(['1', '2', '3']);

    await second.cancel();
    expect(String(await failureOf(second))).toContain('Cancel');
    expect(runs[1]?.state).toBe('running');
    runs[1]?.end();
    expect((await third.result()).keys).toBe(3);
    expect(runs).toHaveLength(2);
  });
});

test('a scoped request that accepts a smaller table has its own run', async () => {
  const { activities, runs, untilRequested } = manualWarms();
  const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
  await worker.runUntil(async () => {
    const first = await startFirst(runs);
    const others: Awaited<ReturnType<typeof warm>>[] = [];
    // One after the other has arrived: the next run serves what waits first.
    for (const request of [() => warm('1'), () => warmIds(['2'], true), () => warm('3')]) {
      others.push(await request());
      await untilRequested(1 + others.length);
    }
    for (const started of [1, 2, 3]) {
      await until(`run ${started} has started`, () => Promise.resolve(runs.length === started));
      runs.at(-1)?.end();
    }
    for (const run of [first, ...others]) await run.result();
    const served = runs.map(({ ids, allowShrink }) => ({ ids: [...(ids ?? [])].sort(), allowShrink }));
    expect(served).toEqual([
      { ids: ['0'], allowShrink: false },
      { ids: ['1', '3'], allowShrink: false },
      { ids: ['2'], allowShrink: true },
    ]);
  });
});

test('a run without a waiting requester is cancelled, and later requests get the next run', async () => {
  const { activities, runs, untilRequested } = manualWarms();
  const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
  await worker.runUntil(async () => {
    const first = await startFirst(runs);
    const second = await warm('1');
    await untilRequested(2);
    await first.cancel();
    await until('the first run is cancelled', () => Promise.resolve(runs[0]?.state === 'cancelled'));
    await until('the second run has started', () => Promise.resolve(runs.length === 2));
    runs[1]?.end();
    expect((await second.result()).keys).toBe(1);
    await warmer().result();
  });
});

test('a part warmer that is cancelled reports this to all requesters', async () => {
  const { activities, runs, untilRequested } = manualWarms();
  const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
  await worker.runUntil(async () => {
    const first = await startFirst(runs);
    const second = await warm('1');
    await untilRequested(2);
    await warmer().cancel();
    for (const run of [first, second])
      expect(String(await failureOf(run))).toContain('profiles: it was cancelled');
    expect(runs.map(({ state }) => state)).toEqual(['cancelled']);
  });
});

test('a request is sent again when its part warmer was terminated and sends no outcome', async () => {
  const { activities, runs } = manualWarms();
  const real = activities.signalPartWarmer;
  let requests = 0;
  // The first request is lost with the warmer.
  activities.signalPartWarmer = async (args) => ((requests += 1) === 1 ? undefined : real?.(args));
  const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
  await worker.runUntil(async () => {
    const result = (await warm('0')).result();
    await until('a run has started', () => Promise.resolve(runs.length === 1));
    runs[0]?.end();
    expect((await result).keys).toBe(1);
    expect(requests).toBe(2);
  });
});

const REQUEST = {
  trigger: 'etl',
  allProfiles: false,
  force: false,
  allowShrink: false,
  replyTo: 'a',
  runId: 'a',
};
const wrongRequests = [
  {},
  { ...REQUEST, runId: 'a\u0000' },
  { ...REQUEST, trigger: 'me' },
  // Temporal would refuse a signal to these, and with it the workflow task.
  ...['', '\ud800', 'é'.repeat(501)].map((replyTo) => ({ ...REQUEST, replyTo })),
  ...[7, {}, { ids: ['a\n'] }, { platforms: ['A'] }].map((scope) => ({ ...REQUEST, scope })),
];

test('a part warmer and a warm ignore signals that are not valid', async () => {
  const { activities, runs } = manualWarms();
  const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
  await worker.runUntil(async () => {
    const first = await startFirst(runs);
    await sendSignals(warmer(), warmRequestedSignal, [
      ...anyArguments(30),
      ...wrongRequests.map((request) => [request]),
    ]);
    await sendSignals(warmer(), warmWithdrawnSignal, anyArguments(30));
    await Promise.allSettled(anyArguments(5).map((args) => warmer().query(warmProgressQuery.name, ...args)));

    const { runId } = await first.describe();
    const outcome = { part: 'profiles', runId };
    const wrongOutcomes = [outcome, { ...outcome, report: 7 }, { ...outcome, error: {} }].map((wrong) => [
      wrong,
    ]);
    await sendSignals(first, partWarmedSignal, [...anyArguments(30), ...wrongOutcomes]);

    runs[0]?.end();
    expect((await first.result()).keys).toBe(1);
    await warmer().result();
    expect(runs).toHaveLength(1);
    expect([...(await failedTasks(first)), ...(await failedTasks(warmer()))]).toEqual([]);
  });
});
