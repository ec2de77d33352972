import { WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import { INPUT_TOPICS } from '../../domain/scoring/topics.ts';
import { SCORING_TASK_QUEUE, scoringLoopId, STARTUP_WARM_ID, WARM_TASK_QUEUE } from '../../contract/workflow-ids.ts';
import type { scoringLoop } from '../../workflows/scoring/scoring-loop.ts';
import type { warmCache } from '../../workflows/warming/warm-cache.ts';

/** One warm, however many workers start together: the later ones find it running. */
export async function startStartupWarm(temporal: Client, requestedBy: string): Promise<void> {
  await temporal.workflow.start<typeof warmCache>('warmCache', {
    workflowId: STARTUP_WARM_ID,
    taskQueue: WARM_TASK_QUEUE,
    args: [{ trigger: 'startup', requestedBy }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: 'Warm of the whole cache at startup',
  });
}

/** The scoring loops run for ever; a worker that starts makes sure that they do. */
export async function ensureScoringLoops(temporal: Client, group: string): Promise<void> {
  for (const { topic, kind } of INPUT_TOPICS)
    await temporal.workflow.start<typeof scoringLoop>('scoringLoop', {
      workflowId: scoringLoopId(topic),
      taskQueue: SCORING_TASK_QUEUE,
      args: [{ topic, kind, group }],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      staticSummary: `${kind === 'profiles' ? 'Scores' : 'Refreshes'} what ${topic} says, in micro-batches`,
    });
}
