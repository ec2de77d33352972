import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';
import { workflowTaskLimit } from '../../workers/create-workers.ts';
import { registerSearchAttributes } from '../../clients/temporal/register-search-attributes.ts';
import { testEngines } from './test-engines.ts';

/** The SDK waits 5 s for the server, which can take longer to start on a busy machine. */
const START_ATTEMPTS = 5;

/** A test server on which hours pass in milliseconds. It has our search attributes. */
export async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  const env = await startServer(START_ATTEMPTS);
  await registerSearchAttributes(env.connection, env.namespace ?? 'default');
  return env;
}

async function startServer(attempts: number): Promise<TestWorkflowEnvironment> {
  try {
    return await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: testEngines().TIME_SKIPPING_SERVER } },
    });
  } catch (error) {
    if (attempts === 1) throw error;
    return startServer(attempts - 1);
  }
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
