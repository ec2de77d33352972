import { NativeConnection, Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';

/** Runs `work` while a worker runs these activities. */
export async function withWorker<T>(
  taskQueue: string,
  activities: object,
  work: () => Promise<T>,
): Promise<T> {
  const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, WORKFLOW_BUNDLE } = inject('engines');
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
    });
    return await worker.runUntil(work);
  } finally {
    await connection.close();
  }
}
