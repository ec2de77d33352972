import { Worker, type WorkerOptions, type WorkflowBundleOption } from '@temporalio/worker';
import { HEARTBEAT_THROTTLE } from '../activities/heartbeat.ts';
import type { Config } from '../config/config.ts';
import { SCORING_TASK_QUEUE, SLICE_TASK_QUEUE, WARM_TASK_QUEUE } from '../contract/task-queues.ts';
import type { createActivities } from './create-activities.ts';

type Activities = Awaited<ReturnType<typeof createActivities>>;

/**
 * The longest time that a workflow task may take. Thousands of ETL signals that arrived while no worker ran come in one task, and
 * the SDK alone needs 0.3 ms of CPU for each. After its default of 5 s the SDK ends the process, and each later start would end
 * the same way. The SDK accepts this option, although the type of the options for users does not list it.
 */
export const workflowTaskLimit = { isolateExecutionTimeout: '60 seconds' } as const;

/** The workers of a process: one for each task queue that it serves. The scoring queue comes with that of the slices. */
export function createWorkers(
  config: Config,
  { warm, steering, slices }: Activities,
  {
    workflowBundle,
    ...common
  }: Pick<WorkerOptions, 'connection' | 'shutdownGraceTime'> & {
    readonly workflowBundle: WorkflowBundleOption;
  },
): Promise<Worker[]> {
  const create = (taskQueue: string, options: Partial<WorkerOptions>) =>
    Worker.create({
      ...common,
      ...options,
      taskQueue,
      namespace: config.TEMPORAL_NAMESPACE,
      ...workflowTaskLimit,
      // a cancellation arrives with the response to a heartbeat, so send heartbeats often
      maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    });
  const queues = {
    [WARM_TASK_QUEUE]: () => [create(WARM_TASK_QUEUE, { activities: warm, workflowBundle })],
    [SCORING_TASK_QUEUE]: () => [
      create(SCORING_TASK_QUEUE, { activities: steering, workflowBundle }),
      create(SLICE_TASK_QUEUE, {
        activities: slices,
        maxConcurrentActivityTaskExecutions: config.SCORING_SLOTS,
      }),
    ],
  };
  return Promise.all([...new Set(config.WORKER_TASK_QUEUES)].flatMap((queue) => queues[queue]()));
}
