import type { WorkflowFailedError } from '@temporalio/client';
import { type WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSignalPartWarmer } from '../../../activities/warming/signal-part-warmer.ts';
import { withHeartbeat } from '../../../activities/heartbeat.ts';
import type { WarmActivities } from '../../../activities/index.ts';
import type { WarmPartArgs } from '../../../activities/warming/part-warm.ts';
import { partWarmerId, WARM_TASK_QUEUE } from '../../../contract/workflow-ids.ts';
import type { warmCache } from '../../../workflows/warming/warm-cache.ts';
import { reportOf } from '../../support/part-report.ts';
import { createWorker, timeSkippingServer } from '../../support/time-skipping.ts';
import { until } from '../../support/until.ts';

let env: TestWorkflowEnvironment;
beforeEach(async () => {
  env = await timeSkippingServer();
});
afterEach(() => env.teardown());

/** A warm that lasts until the test lets it end, or it is cancelled. */
interface Run {
  readonly ids: readonly string[] | undefined;
  readonly end: () => void;
  state: 'running' | 'done' | 'cancelled';
}

function held() {
  const runs: Run[] = [];
  let asked = 0;
  const signalPartWarmer = createSignalPartWarmer({ temporal: env.client });
  const activities = {
    checkSourceSchema: () => Promise.resolve({ tables: [], renamed: [] }),
    getRedisMemory: () => Promise.resolve({ keys: 1, usedBytes: 1, maxBytes: 0, policy: 'noeviction' }),
    async signalPartWarmer(args: Parameters<typeof signalPartWarmer>[0]) {
      await signalPartWarmer(args);
      asked += 1;
    },
    warmProfileIds: ({ scope }: WarmPartArgs) =>
      withHeartbeat(async (signal) => {
        await new Promise<void>((end, fail) => {
          const run: Run = { ids: scope?.ids, end, state: 'running' };
          runs.push(run);
          signal.addEventListener('abort', () => {
            run.state = 'cancelled';
            fail(signal.reason as Error);
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
    asked: (count: number) => until('all have asked', () => Promise.resolve(asked === count)),
  };
}

let warms = 0;
const warm = (...ids: string[]): Promise<WorkflowHandle<typeof warmCache>> =>
  env.client.workflow.start<typeof warmCache>('warmCache', {
    taskQueue: WARM_TASK_QUEUE,
    workflowId: `warm-${(warms += 1)}`,
    args: [{ scopes: { profiles: { ids } } }],
  });
/** A warm whose run has begun. */
async function running(runs: readonly Run[]): Promise<WorkflowHandle<typeof warmCache>> {
  const first = await warm('0');
  await until('the first run', () => Promise.resolve(runs.length === 1));
  return first;
}
const failureOf = (run: WorkflowHandle<typeof warmCache>): Promise<unknown> =>
  run.result().then(
    () => 'it did not fail',
    (error: unknown) => (error as WorkflowFailedError).cause,
  );
const warmer = () => env.client.workflow.getHandle(partWarmerId('profiles'));

test('requests that wait are one run over the union of their scopes; one that is cancelled leaves it to the others', async () => {
  const { activities, runs, asked } = held();
  const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
  await worker.runUntil(async () => {
    const first = await running(runs);
    const second = await warm('1', '2');
    const third = await warm('2', '3');
    await asked(3);
    runs[0]?.end();
    expect((await first.result()).keys).toBe(1);
    await until('the second run', () => Promise.resolve(runs.length === 2));
    expect([...(runs[1]?.ids ?? [])].sort()).toEqual(['1', '2', '3']);

    await second.cancel();
    expect(String(await failureOf(second))).toContain('Cancel');
    expect(runs[1]?.state).toBe('running');
    runs[1]?.end();
    expect((await third.result()).keys).toBe(3);
    expect(runs).toHaveLength(2);
  });
});

test('a run that nobody waits for any more is cancelled, and those who came later get one of their own', async () => {
  const { activities, runs, asked } = held();
  const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
  await worker.runUntil(async () => {
    const first = await running(runs);
    const second = await warm('1');
    await asked(2);
    await first.cancel();
    await until('the run was cancelled', () => Promise.resolve(runs[0]?.state === 'cancelled'));
    await until('the second run', () => Promise.resolve(runs.length === 2));
    runs[1]?.end();
    expect((await second.result()).keys).toBe(1);
    await warmer().result();
  });
});

test('a part warmer that is cancelled tells all who wait', async () => {
  const { activities, runs, asked } = held();
  const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
  await worker.runUntil(async () => {
    const first = await running(runs);
    const second = await warm('1');
    await asked(2);
    await warmer().cancel();
    for (const run of [first, second])
      expect(String(await failureOf(run))).toContain('profiles: it was cancelled');
    expect(runs.map(({ state }) => state)).toEqual(['cancelled']);
  });
});

test('a part warmer that was terminated, and so tells nobody, is asked again after a while', async () => {
  const { activities, runs } = held();
  const real = activities.signalPartWarmer;
  let asks = 0;
  // The first request gets lost with it.
  activities.signalPartWarmer = async (args) => ((asks += 1) === 1 ? undefined : real?.(args));
  const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
  await worker.runUntil(async () => {
    const result = (await warm('0')).result();
    await until('a run', () => Promise.resolve(runs.length === 1));
    runs[0]?.end();
    expect((await result).keys).toBe(1);
    expect(asks).toBe(2);
  });
});
