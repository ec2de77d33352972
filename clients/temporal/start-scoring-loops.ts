import { WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import { INPUT_TOPICS } from '../../domain/scoring/topics.ts';

/** Starts the scoring loop of every input topic that has none. The loops run without end. */
export async function startScoringLoops(temporal: Client, group: string): Promise<void> {
  for (const { topic, kind } of INPUT_TOPICS)
    await temporal.workflow.start<Workflows['scoringLoop']>('scoringLoop', {
      workflowId: scoringLoopId(topic),
      taskQueue: SCORING_TASK_QUEUE,
      args: [{ topic, kind, group }],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      staticSummary: `${kind === 'profiles' ? 'Scores' : 'Refreshes'} the ${kind} of ${topic} in micro-batches`,
    });
}
