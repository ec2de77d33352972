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

/**
 * Starts the scoring loop of every input topic that has none, and applies a change to those that run. The loops run without end. A
 * worker that serves the scoring queue must run already.
 */
export async function startScoringLoops(temporal: Client, change: LoopChange): Promise<void> {
  await Promise.all(INPUT_TOPICS.map(({ topic, kind }) => startOrConfigure(temporal, topic, kind, change)));
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
