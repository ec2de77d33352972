import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';
import { SCORING_TASK_QUEUE, SLICE_TASK_QUEUE, WARM_TASK_QUEUE } from '../contract/task-queues.ts';

/** Activities that read the lakehouse and write Redis. A warm query has 2 minutes in Trino; a million rows take a few more. */
export const warming: ActivityOptions = {
  taskQueue: WARM_TASK_QUEUE,
  // One run at a time: the next run must not start while a cancelled one still writes.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '10 seconds',
  // Retries for about 2 minutes: the next scheduled warm starts within 15 minutes anyway.
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '1 minute',
    maximumAttempts: 8,
  },
};

/** Short calls: schema look-ups, signals. */
export const shortCalls: ActivityOptions = {
  taskQueue: WARM_TASK_QUEUE,
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds', maximumAttempts: 8 },
};

/** Finds and starts partitions. It waits for the end of an outage. */
export const startingPartitions: ActivityOptions = {
  taskQueue: SCORING_TASK_QUEUE,
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '15 seconds' },
};

/** A seek that cannot be done within this time fails, so that the operator who requested it gets an answer. */
export const seekingWithin = (ms: number): ActivityOptions => ({
  taskQueue: SCORING_TASK_QUEUE,
  // while Kafka is down, an attempt fails after 10 to 15 s with the reason
  startToCloseTimeout: Math.min(24_000, ms),
  scheduleToCloseTimeout: Math.min(50_000, ms),
  // if a worker dies, the next attempt must not wait for `startToCloseTimeout`
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', maximumAttempts: 2 },
});

/** A step of an update of another loop. */
export const steeringWithin = (ms: number): ActivityOptions => ({
  taskQueue: SCORING_TASK_QUEUE,
  startToCloseTimeout: ms,
  scheduleToCloseTimeout: ms,
  retry: { initialInterval: '500 milliseconds', maximumAttempts: 2 },
});

/**
 * A slice of a partition. A dead attempt blocks every read-committed reader of its output partitions, so the heartbeat timeout is short. It
 * is retried forever. Eager dispatch would give all slices to the worker that runs the workflow.
 */
export const slice: ActivityOptions = {
  taskQueue: SLICE_TASK_QUEUE,
  allowEagerDispatch: false,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
};
