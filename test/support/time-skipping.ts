import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';
import { registerSearchAttributes } from '../../clients/temporal/register-search-attributes.ts';

/** A server on which hours pass in milliseconds; it knows our search attributes. */
export async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: inject('engines').TIME_SKIPPING_SERVER } },
  });
  await registerSearchAttributes(env.connection, env.namespace ?? 'default');
  return env;
}

/** A worker for these activities on that server. */
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
    workflowBundle: { codePath: inject('engines').WORKFLOW_BUNDLE },
    // A cancellation comes with the answer to a heartbeat.
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
  });
