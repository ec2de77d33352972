import { randomUUID } from 'node:crypto';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readEtlLoads, readEtlRun, signalEtlLoad } from '../../../clients/temporal/signal-etl-load.ts';
import { etlRunQuery, tablesLoadedSignal } from '../../../contract/messages.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { endReceiver, recordRequests, untilServed } from '../../support/etl-loads.ts';
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
  test.each([
    ['that is no JSON is ignored', 'json/plain', '{no json'],
    ['that is no JSON of Protobuf is ignored', 'json/protobuf', '{no json'],
    ['that is no Protobuf is ignored', 'binary/protobuf', '{no json'],
    ['that is nested deeply is ignored', 'json/plain', `{"tables":${DEEP},"when":${DEEP}}`],
  ])('%s, and other loads are served', async (_, encoding, data) => {
    const { temporal } = dependencies;
    const bytes = (text: string) => new TextEncoder().encode(text);
    await signalEtlLoad(temporal, { tables: ['kol_trust_features'] });
    await temporal.workflowService.signalWorkflowExecution({
      namespace: engines.TEMPORAL_NAMESPACE,
      workflowExecution: { workflowId: ETL_LOADS_ID },
      signalName: tablesLoadedSignal.name,
      input: { payloads: [{ metadata: { encoding: bytes(encoding) }, data: bytes(data) }] },
    });
    await signalEtlLoad(temporal, { tables: ['kol_profiles'], ids: ['1'] });
    const { activities, requests } = recordRequests(dependencies);
    await withWorker(WARM_TASK_QUEUE, activities, () => untilServed(dependencies.temporal, 2));
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

test('a receiver that an operator resets goes on with the loads that follow', async () => {
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
  test('refuses what does not name a run, and says what is accepted', async () => {
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
