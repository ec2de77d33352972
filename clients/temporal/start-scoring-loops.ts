import { setTimeout as sleep } from 'node:timers/promises';
import {
  WithStartWorkflowOperation,
  WorkflowIdConflictPolicy,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { configureLoopUpdate } from '../../contract/messages.ts';
import { LOOP_VERSION, type LoopChange } from '../../contract/scoring-loop.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import { INPUT_TOPICS, type EventKind } from '../../domain/scoring/topics.ts';

const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;

interface StartOptions {
  /** Ends the attempts. */
  readonly signal: AbortSignal;
  /** Called after each failure. The next attempt follows. */
  readonly onError: (error: unknown, topic: string) => void;
}

/**
 * Starts the scoring loop of every input topic that has none, and applies a change to those that run. The loops run without end. A
 * worker that serves the scoring queue must run already. A failure is tried again, since scoring must start as soon as it can, and
 * a topic does not wait for the others.
 */
export async function startScoringLoops(
  temporal: Client,
  change: LoopChange,
  { signal, onError }: StartOptions,
): Promise<void> {
  await Promise.all(
    INPUT_TOPICS.map(async ({ topic, kind }) => {
      for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
        try {
          return await startOrConfigure(temporal, topic, kind, change);
        } catch (error) {
          if (!signal.aborted) onError(error, topic);
          await sleep(pauseMs, undefined, { signal }).catch(() => {});
        }
      }
    }),
  );
}

async function startOrConfigure(
  temporal: Client,
  topic: string,
  kind: EventKind,
  change: LoopChange,
): Promise<void> {
  const workflowId = scoringLoopId(topic);
  await terminateOldVersion(temporal, workflowId);
  await temporal.workflow.executeUpdateWithStart(configureLoopUpdate, {
    args: [change],
    startWorkflowOperation: new WithStartWorkflowOperation<Workflows['scoringLoop']>('scoringLoop', {
      workflowId,
      taskQueue: SCORING_TASK_QUEUE,
      args: [{ topic, kind }],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      memo: { version: LOOP_VERSION },
      staticSummary: `${kind === 'profiles' ? 'Scores' : 'Refreshes'} the ${kind} of ${topic} in micro-batches`,
    }),
  });
}

/** Ends a loop that an older version has started. Nothing is lost: Kafka has its position. */
async function terminateOldVersion(temporal: Client, workflowId: string): Promise<void> {
  const loop = temporal.workflow.getHandle(workflowId);
  try {
    const { status, memo, runId } = await loop.describe();
    if (status.name !== 'RUNNING' || Number(memo?.['version'] ?? 1) >= LOOP_VERSION) return;
    await temporal.workflow
      .getHandle(workflowId, runId)
      .terminate('replaced by a loop of a newer version, which continues where Kafka says');
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
