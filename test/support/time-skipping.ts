import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';
import { workflowTaskLimit } from '../../workers/create-workers.ts';
import { registerSearchAttributes } from '../../clients/temporal/register-search-attributes.ts';
import { testEngines } from './test-engines.ts';

/** A test server on which hours pass in milliseconds. It has our search attributes. */
export async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: testEngines().TIME_SKIPPING_SERVER } },
  });
  await registerSearchAttributes(env.connection, env.namespace ?? 'default');
  return env;
}

/** Creates a worker for these activities on the test server. */
export const createWorker = (
  env: TestWorkflowEnvironment,
  taskQueue: string,
  activities: object,
): Promise<Worker> =>
  Worker.create({
    connection: env.nativeConnection,
    namespace: env.namespace ?? 'default',
    taskQueue,
    activities,
    workflowBundle: { codePath: testEngines().WORKFLOW_BUNDLE },
    ...workflowTaskLimit,
    // An activity learns of its cancellation by the reply to a heartbeat, so send heartbeats often.
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
  });
