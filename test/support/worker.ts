import { NativeConnection, Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';
import type { Config } from '../../config/config.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import type { createActivities } from '../../workers/create-activities.ts';
import { createWorkers } from '../../workers/create-workers.ts';

/** Runs `work` while a worker runs these activities. */
export async function withWorker<T>(
  taskQueue: string,
  activities: object,
  work: () => Promise<T>,
): Promise<T> {
  const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, WORKFLOW_BUNDLE } = inject('engines');
  return runWhile(
    async (connection) => [
      await Worker.create({
        connection,
        namespace: TEMPORAL_NAMESPACE,
        taskQueue,
        activities,
        workflowBundle: { codePath: WORKFLOW_BUNDLE },
        // An activity learns of its cancellation by the reply to a heartbeat, so send heartbeats often.
        maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
      }),
    ],
    TEMPORAL_ADDRESS,
    work,
  );
}

/** Runs `work` while a process serves the scoring queues as workers/main.ts does. */
export function withScoringWorker<T>(
  config: Config,
  activities: Awaited<ReturnType<typeof createActivities>>,
  work: () => Promise<T>,
): Promise<T> {
  const codePath = inject('engines').WORKFLOW_BUNDLE;
  return runWhile(
    (connection) =>
      createWorkers({ ...config, WORKER_TASK_QUEUES: [SCORING_TASK_QUEUE] }, activities, {
        connection,
        workflowBundle: { codePath },
        shutdownGraceTime: '15 seconds',
      }),
    config.TEMPORAL_ADDRESS,
    work,
  );
}

async function runWhile<T>(
  create: (connection: NativeConnection) => Promise<Worker[]>,
  address: string,
  work: () => Promise<T>,
): Promise<T> {
  const connection = await NativeConnection.connect({ address });
  try {
    const workers = await create(connection);
    const running = Promise.all(workers.map((worker) => worker.run()));
    try {
      return await Promise.race([
        work(),
        running.then(() => Promise.reject(new Error('a worker has ended'))),
      ]);
    } finally {
      workers.forEach((worker) => worker.shutdown());
      await running;
    }
  } finally {
    await connection.close();
  }
}
