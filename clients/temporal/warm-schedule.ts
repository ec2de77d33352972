import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { SCHEDULED_WARM_ID, WARM_SCHEDULE_ID, WARM_TASK_QUEUE } from '../../contract/workflow-ids.ts';
import type { warmCache } from '../../workflows/warming/warm-cache.ts';

/** Makes the warm schedule, or brings one that is there up to these settings; a pause by an operator stays. */
export async function ensureWarmSchedule(temporal: Client, everyMinutes: number): Promise<void> {
  const options: ScheduleOptions = {
    scheduleId: WARM_SCHEDULE_ID,
    spec: { intervals: [{ every: `${everyMinutes} minutes` }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'warmCache' satisfies (typeof warmCache)['name'],
      workflowId: SCHEDULED_WARM_ID,
      taskQueue: WARM_TASK_QUEUE,
      args: [{ trigger: 'schedule', requestedBy: 'schedule' }],
      staticSummary: 'Scheduled warm of the whole cache',
    },
    policies: {
      // A warm that is still running makes the next one needless.
      overlap: ScheduleOverlapPolicy.SKIP,
      // After an outage one warm is due at most, not one for each tick that was missed.
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
