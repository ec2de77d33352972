import { randomUUID } from 'node:crypto';
import { NativeConnection } from '@temporalio/worker';
import pLimit from 'p-limit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readEtlLoads, readEtlRun, signalEtlLoad } from '../../../clients/temporal/signal-etl-load.ts';
import { etlRunQuery, tablesLoadedSignal } from '../../../contract/messages.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { endReceiver, recordRequests, untilServed } from '../../support/etl-loads.ts';
import { rareTest } from '../../support/rare.ts';
import { until } from '../../support/until.ts';
import { withWorker } from '../../support/worker.ts';
import { createWorkers } from '../../../workers/create-workers.ts';
import { testEngines } from '../../support/test-engines.ts';

const engines = testEngines();
let dependencies: Awaited<ReturnType<typeof testDependencies>>;

beforeAll(async () => {
  dependencies = await testDependencies(testConfig(11));
});
afterAll(() => dependencies.close());
beforeEach(() => endReceiver(dependencies.temporal));
afterEach(() => endReceiver(dependencies.temporal));

/** JSON nested so deeply that a recursive function exhausts the stack. */
const DEEP = '['.repeat(100_000) + ']'.repeat(100_000);

describe('a signal', () => {
  test('that is no JSON, no Protobuf or nested deeply is ignored, and other loads are served', async () => {
    const { temporal } = dependencies;
    const bytes = (text: string) => new TextEncoder().encode(text);
    await signalEtlLoad(temporal, { tables: ['kol_trust_features'] });
    const unusable = [
      ['json/plain', '{no json'],
      ['json/protobuf', '{no json'],
      ['binary/protobuf', '{no json'],
      ['json/plain', `{"tables":${DEEP},"when":${DEEP}}`],
    ] as const;
    for (const [encoding, data] of unusable)
      await temporal.workflowService.signalWorkflowExecution({
        namespace: engines.TEMPORAL_NAMESPACE,
        workflowExecution: { workflowId: ETL_LOADS_ID },
        signalName: tablesLoadedSignal.name,
        input: { payloads: [{ metadata: { encoding: bytes(encoding) }, data: bytes(data) }] },
      });
    await signalEtlLoad(temporal, { tables: ['kol_profiles'], ids: ['1'] });
    const { activities, requests } = recordRequests(dependencies);
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      await untilServed(temporal, 2);
      expect(await readEtlLoads(temporal)).toMatchObject({ ignored: unusable.length });
    });
    expect(requests).toMatchObject([{ part: 'profiles', scope: { ids: ['1'] } }]);
  });
});

describe('a receiver with a long history', () => {
  test('continues as a new run, and keeps its loads and the runs that it remembers', async () => {
    const { temporal } = dependencies;
    const load = { tables: ['kol_profiles'], ids: ['1'], runId: 'run-1' };
    const { activities, requests } = recordRequests(dependencies);
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      const { runId } = await signalEtlLoad(temporal, load);
      await untilServed(dependencies.temporal, 1);
      const receiver = temporal.workflow.getHandle(ETL_LOADS_ID);
      const current = async () => (await receiver.describe()).runId;
      // Temporal suggests to continue as new when a history has 4 MB.
      let sent = 0;
      for (; (await current()) === runId && sent < 8; sent += 1) {
        await receiver.signal(tablesLoadedSignal, { tables: [], pipeline: 'x'.repeat(1_000_000) });
        await until(
          'the signal is counted',
          async () => (await readEtlLoads(temporal))?.ignored === sent + 1,
        );
      }
      expect(await current()).not.toBe(runId);
      await receiver.signal(tablesLoadedSignal, load);
      await receiver.signal(tablesLoadedSignal, { tables: ['kol_profiles'], ids: ['2'] });
      await untilServed(dependencies.temporal, 2);
      expect(await readEtlLoads(temporal)).toMatchObject({ repeats: 1, ignored: sent });
      expect(await readEtlRun(temporal, { runId: 'run-1' })).toMatchObject({ state: 'done' });
    });
    expect(requests.map(({ scope }) => scope?.ids)).toEqual([['1'], ['2']]);
  });
});

describe('a receiver whose warm does not end', () => {
  /** Temporal refuses the next signal of a run. */
  const MAX_SIGNALS = 10_000;
  const run = { runId: 'run-1', tables: ['kol_profiles'], ids: ['1'] };

  /**
   * Reports a load, and during its warm what `send` sends.
   * @returns the ids of each warm that followed, the state of the receiver, and what it knows of the run
   */
  async function reportDuringWarm(send: () => Promise<void>) {
    const { temporal } = dependencies;
    const receiver = temporal.workflow.getHandle(ETL_LOADS_ID);
    const { activities, requests } = recordRequests(dependencies);
    let held: string | undefined;
    const signalPartWarmer: typeof activities.signalPartWarmer = async (args) => {
      // The part of the first warm does not end.
      if (held !== undefined) return activities.signalPartWarmer(args);
      held = args.request.replyTo;
    };
    return withWorker(WARM_TASK_QUEUE, { ...activities, signalPartWarmer }, async () => {
      const { runId } = await signalEtlLoad(temporal, run);
      await until('the warm runs', () => Promise.resolve(held !== undefined));
      await send();
      await until('the receiver has continued', async () => (await receiver.describe()).runId !== runId);
      await untilServed(temporal, 2);
      const first = temporal.workflow.getHandle(held ?? '');
      expect((await first.describe()).status.name).toBe('RUNNING');
      await first.terminate('the test has ended');
      return {
        ids: requests.map(({ scope }) => scope?.ids),
        state: await readEtlLoads(temporal),
        known: await readEtlRun(temporal, { runId: run.runId }),
      };
    });
  }

  test('continues as a new run before its history is full, and serves all its loads by another warm', async () => {
    const { temporal } = dependencies;
    const receiver = temporal.workflow.getHandle(ETL_LOADS_ID);
    const { ids, state, known } = await reportDuringWarm(async () => {
      await signalEtlLoad(temporal, { ...run, ids: ['2'] });
      for (let sent = 0; sent < 12; sent += 1)
        await receiver.signal(tablesLoadedSignal, { tables: [], pipeline: 'x'.repeat(1_000_000) });
    });
    expect(ids).toEqual([['1', '2']]);
    expect(state).toMatchObject({ taken: 2, ignored: 12 });
    expect(known).toMatchObject({ state: 'done', loads: [{ state: 'done' }, { state: 'done' }] });
  });

  rareTest(`accepts more than ${MAX_SIGNALS} loads meanwhile`, async () => {
    const { temporal } = dependencies;
    const receiver = temporal.workflow.getHandle(ETL_LOADS_ID);
    const limit = pLimit(50);
    const { state } = await reportDuringWarm(async () => {
      await signalEtlLoad(temporal, { ...run, ids: ['2'] });
      // In bursts: no workflow can continue as new while signals arrive without a pause.
      for (let sent = 500; sent <= MAX_SIGNALS + 500; sent += 500) {
        const burst = Array.from({ length: 500 }, () =>
          limit(() => receiver.signal(tablesLoadedSignal, run)),
        );
        await Promise.all(burst);
        await until('the burst is counted', async () => (await readEtlLoads(temporal))?.repeats === sent);
      }
    });
    expect(state).toMatchObject({ taken: 2, repeats: MAX_SIGNALS + 500 });
  });
});

test('a receiver that an operator resets continues with later loads', async () => {
  const { temporal } = dependencies;
  const { activities, requests } = recordRequests(dependencies);
  await withWorker(WARM_TASK_QUEUE, activities, async () => {
    await signalEtlLoad(temporal, { tables: ['kol_profiles'], ids: ['1'] });
    await untilServed(temporal, 1);
    const { runId } = await temporal.workflow.getHandle(ETL_LOADS_ID).describe();
    const { events } = await temporal.workflow.getHandle(ETL_LOADS_ID, runId).fetchHistory();
    const task = events?.findLast((event) => event.workflowTaskCompletedEventAttributes != null);
    await temporal.workflowService.resetWorkflowExecution({
      namespace: engines.TEMPORAL_NAMESPACE,
      workflowExecution: { workflowId: ETL_LOADS_ID, runId },
      workflowTaskFinishEventId: task?.eventId ?? null,
      requestId: randomUUID(),
      reason: 'a test',
    });
    await signalEtlLoad(temporal, { tables: ['kol_profiles'], ids: ['2'] });
    await untilServed(temporal, 2);
  });
  expect(requests.map(({ scope }) => scope?.ids)).toEqual([['1'], ['2']]);
});

describe('the query for a run', () => {
  test('refuses an invalid run selector, and lists the accepted values', async () => {
    const { temporal } = dependencies;
    await signalEtlLoad(temporal, { tables: ['kol_trust_features'] });
    const { activities } = recordRequests(dependencies);
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      const receiver = temporal.workflow.getHandle(ETL_LOADS_ID);
      for (const given of [
        undefined,
        'run-1',
        {},
        { runId: '' },
        { runId: 7 },
        { runId: 'a', pipeline: 'b\n' },
      ])
        await expect(receiver.query(etlRunQuery.name, given), JSON.stringify(given)).rejects.toThrow(
          /is not valid: accepted is/,
        );
    });
  });
});

test('a worker may take a minute for a workflow task with thousands of signals', async () => {
  const connection = await NativeConnection.connect({ address: engines.TEMPORAL_ADDRESS });
  try {
    const [worker] = await createWorkers(
      { ...testConfig(11), WORKER_TASK_QUEUES: [WARM_TASK_QUEUE] },
      dependencies.activities,
      { connection, workflowBundle: { codePath: engines.WORKFLOW_BUNDLE }, shutdownGraceTime: 0 },
    );
    await worker?.runUntil(Promise.resolve());
    expect(worker?.options.isolateExecutionTimeoutMs).toBe(60_000);
  } finally {
    await connection.close();
  }
});
