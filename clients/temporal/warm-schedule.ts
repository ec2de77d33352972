import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import { SCHEDULED_WARM_ID, WARM_SCHEDULE_ID } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';

/** Creates or updates the warm schedule. A paused schedule stays paused. */
export async function upsertWarmSchedule(temporal: Client, everyMinutes: number): Promise<void> {
  const options: ScheduleOptions = {
    scheduleId: WARM_SCHEDULE_ID,
    spec: { intervals: [{ every: `${everyMinutes} minutes` }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'warmCache' satisfies keyof Workflows,
      workflowId: SCHEDULED_WARM_ID,
      taskQueue: WARM_TASK_QUEUE,
      args: [{ trigger: 'schedule', requestedBy: 'schedule' }],
      staticSummary: 'Scheduled warm of the whole cache',
    },
    policies: {
      // A warm that waits for a slow part must not delay the other parts. Part warmers ensure one run at a time for each part.
      overlap: ScheduleOverlapPolicy.ALLOW_ALL,
      // after an outage, run at most one missed warm
      catchupWindow: `${everyMinutes} minutes`,
    },
  };
  try {
    await temporal.schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await temporal.schedule.getHandle(WARM_SCHEDULE_ID).update(({ state }): ScheduleUpdateOptions => ({
      ...options,
      action: options.action,
      state,
    }));
  }
}
