import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';
import type { Config } from '../../config/config.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import type { createActivities } from '../../workers/create-activities.ts';
import { createWorkers } from '../../workers/create-workers.ts';
import { testEngines } from './test-engines.ts';

/** Runs `work` while a worker runs these activities. @param options that differ from those of the other tests */
export async function withWorker<T>(
  taskQueue: string,
  activities: object,
  work: () => Promise<T>,
  options: Pick<WorkerOptions, 'identity' | 'workflowBundle'> = {},
): Promise<T> {
  const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, WORKFLOW_BUNDLE } = testEngines();
  const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS });
  try {
    const worker = await Worker.create({
      connection,
      namespace: TEMPORAL_NAMESPACE,
      taskQueue,
      activities,
      workflowBundle: { codePath: WORKFLOW_BUNDLE },
      // An activity learns of its cancellation by the reply to a heartbeat, so send heartbeats often.
      maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
      ...options,
    });
    return await worker.runUntil(work);
  } finally {
    await connection.close();
  }
}

/**
 * Starts a worker of the scoring queues as workers/main.ts does.
 * @returns stops it, after its slices have ended
 */
export async function startScoringWorker(
  config: Config,
  activities: Awaited<ReturnType<typeof createActivities>>,
): Promise<() => Promise<void>> {
  const codePath = testEngines().WORKFLOW_BUNDLE;
  const connection = await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
  const workers = await createWorkers({ ...config, WORKER_TASK_QUEUES: [SCORING_TASK_QUEUE] }, activities, {
    connection,
    workflowBundle: { codePath },
    shutdownGraceTime: '15 seconds',
  });
  const running = Promise.all(workers.map((worker) => worker.run()));
  running.catch(() => {}); // the error is thrown by the stop
  return async () => {
    workers.forEach((worker) => worker.getState() === 'RUNNING' && worker.shutdown());
    await running.finally(() => connection.close());
  };
}
