import {
  ActivityCancellationType,
  type ActivityOptions,
  type LocalActivityOptions,
} from '@temporalio/workflow';
import { SCORING_TASK_QUEUE, WARM_TASK_QUEUE } from '../contract/task-queues.ts';

/** Activities that read the lakehouse and write Redis. A warm query has 2 minutes in Trino; a million rows take a few more. */
export const warming: ActivityOptions = {
  taskQueue: WARM_TASK_QUEUE,
  // One run at a time: the next run must not start while a cancelled one still writes.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '10 seconds',
  // Retries for about 4 minutes: the next scheduled warm starts within 15 minutes anyway.
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

/** Planning waits for data inside the activity, with a heartbeat. It is retried without end: an outage must not end the loop. */
export const planning: ActivityOptions = {
  taskQueue: SCORING_TASK_QUEUE,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '15 seconds' },
};

/**
 * While there is a backlog, a local activity plans within the workflow task that ended the last batch. This saves a round trip
 * to Temporal and five history events. One attempt only: the ordinary plan waits for an engine that is down.
 */
export const planningBacklog: LocalActivityOptions = {
  startToCloseTimeout: '5 seconds',
  retry: { maximumAttempts: 1 },
};

const SCORING_MS = 2 * 60_000;

/**
 * A range takes well under a second. A dead attempt blocks every read-committed reader of its output partitions, so the
 * heartbeat timeout is short. It is retried without end: the loop waits for the end of an outage.
 */
export const scoring: ActivityOptions = {
  taskQueue: SCORING_TASK_QUEUE,
  startToCloseTimeout: SCORING_MS,
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '15 seconds' },
};

/** For a range that also plans the next batch and may wait `waitMs` for it. The wait is added to the timeout of a range. */
export const scoringThenPlanning = (waitMs: number): ActivityOptions => ({
  ...scoring,
  startToCloseTimeout: SCORING_MS + waitMs,
  summary: 'and the next plan',
});

/** A seek that cannot be done soon fails, so that the operator who requested it gets an answer. */
export const seeking: ActivityOptions = { ...shortCalls, taskQueue: SCORING_TASK_QUEUE };
