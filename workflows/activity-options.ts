import {
  ActivityCancellationType,
  type ActivityOptions,
  type LocalActivityOptions,
} from '@temporalio/workflow';
import { SCORING_TASK_QUEUE, WARM_TASK_QUEUE } from '../contract/workflow-ids.ts';

/** Reads of the lakehouse that end in Redis. Trino gives a warm query 2 minutes; a million rows take a few more. */
export const warming: ActivityOptions = {
  taskQueue: WARM_TASK_QUEUE,
  // A part is warmed once at a time: the next run must not begin while the cancelled one still writes.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '10 seconds',
  // About 4 minutes of tries: the next scheduled warm comes in 15 minutes anyway.
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '1 minute',
    maximumAttempts: 8,
  },
};

/** Short calls: schema look-ups, signals. */
export const asking: ActivityOptions = {
  taskQueue: WARM_TASK_QUEUE,
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds', maximumAttempts: 8 },
};

/** Planning waits for data inside the activity, with a heartbeat; it is tried for ever, since an outage must not end the loop. */
export const planning: ActivityOptions = {
  taskQueue: SCORING_TASK_QUEUE,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '15 seconds' },
};

/**
 * Where there is something to do at once, a local activity plans within the workflow task that ended the last batch, which
 * saves a round of Temporal and five history events. One try: the ordinary plan waits for what is down.
 */
export const planningBacklog: LocalActivityOptions = {
  startToCloseTimeout: '5 seconds',
  retry: { maximumAttempts: 1 },
};

const SCORING_MS = 2 * 60_000;

/**
 * A range takes well under a second. A dead attempt holds up every read-committed reader of its output partitions, so its
 * heartbeat is short; an outage is waited for, never given up.
 */
export const scoring: ActivityOptions = {
  taskQueue: SCORING_TASK_QUEUE,
  startToCloseTimeout: SCORING_MS,
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '15 seconds' },
};

/**
 * A range that is to plan the next batch too, and may wait so long for it. What it scores has no deadline of its own: should it
 * hang, the wait is added to what others have.
 */
export const scoringThenPlanning = (waitMs: number): ActivityOptions => ({
  ...scoring,
  startToCloseTimeout: SCORING_MS + waitMs,
  summary: 'and the next plan',
});

/** A seek that cannot be done soon is told to the operator who asked. */
export const seeking: ActivityOptions = { ...asking, taskQueue: SCORING_TASK_QUEUE };
