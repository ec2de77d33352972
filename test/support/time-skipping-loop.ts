import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll } from 'vitest';
import type { ScoringActivities } from '../../activities/index.ts';
import { loopStateQuery } from '../../contract/messages.ts';
import type { LoopState, ScoringLoopInput } from '../../contract/scoring-loop.ts';
import { SCORING_TASK_QUEUE, SLICE_TASK_QUEUE } from '../../contract/task-queues.ts';
import type { scoringLoop } from '../../workflows/scoring/scoring-loop.ts';
import { createWorker, timeSkippingServer } from './time-skipping.ts';

export type TimeSkippingLoop = WorkflowHandle<typeof scoringLoop>;

/** Starts a test server for the tests of a file. */
export function timeSkippingLoops() {
  let server: TestWorkflowEnvironment;
  beforeAll(async () => {
    server = await timeSkippingServer();
  });
  afterAll(() => server.teardown());
  return {
    server: () => server,
    /** Runs workers with these activities and a scoring loop while `work` runs. */
    withLoop: <T>(
      activities: ScoringActivities,
      args: Partial<ScoringLoopInput>,
      work: (loop: TimeSkippingLoop) => Promise<T>,
    ): Promise<T> => runLoop(server, activities, args, work),
  };
}

let loops = 0;

async function runLoop<T>(
  env: TestWorkflowEnvironment,
  { scorePartition, ...steering }: ScoringActivities,
  args: Partial<ScoringLoopInput>,
  work: (loop: TimeSkippingLoop) => Promise<T>,
): Promise<T> {
  const slices = await createWorker(env, SLICE_TASK_QUEUE, { scorePartition });
  const worker = await createWorker(env, SCORING_TASK_QUEUE, steering);
  return slices.runUntil(() =>
    worker.runUntil(async () => {
      const loop = await env.client.workflow.start<typeof scoringLoop>('scoringLoop', {
        taskQueue: SCORING_TASK_QUEUE,
        workflowId: `loop-${(loops += 1)}`,
        args: [{ topic: `topic-${loops}`, ...args, settings: { sliceSeconds: 1, ...args.settings } }],
      });
      try {
        return await work(loop);
      } finally {
        await loop.terminate().catch(() => {}); // a test may end it
      }
    }),
  );
}

export const loopState = (loop: TimeSkippingLoop): Promise<LoopState> => loop.query(loopStateQuery);

export const scoredCount = async (loop: TimeSkippingLoop): Promise<number> =>
  (await loopState(loop)).totals.scored;

/** The error of a failed update, as shown to the operator. */
export const failureOf = (update: Promise<unknown>): Promise<string> =>
  update.then(
    () => 'the update was accepted',
    (error: unknown) =>
      error instanceof WorkflowUpdateFailedError ? String(error.cause?.message) : String(error),
  );
