import { randomUUID } from 'node:crypto';
import { WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import type { WarmCacheInput } from '../../contract/warm-cache.ts';
import { manualWarmId, STARTUP_WARM_ID } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';

/** A warm that a person or program requests. */
export type ManualWarm = Omit<WarmCacheInput, 'trigger'> & { readonly requestedBy: string };

/** The ids of a started workflow. */
export interface StartedWorkflow {
  readonly workflowId: string;
  readonly runId: string;
}

/**
 * Starts a warm by hand and does not wait for it.
 * @throws ServiceError when Temporal does not accept it
 */
export async function startWarm(temporal: Client, input: ManualWarm): Promise<StartedWorkflow> {
  const parts = input.parts ?? Object.keys(input.scopes ?? {});
  const what = parts.length === 0 ? 'the whole cache' : parts.join(', ');
  const run = await temporal.workflow.start<Workflows['warmCache']>('warmCache', {
    workflowId: manualWarmId(`${new Date().toISOString().replaceAll(':', '-')}-${randomUUID().slice(0, 8)}`),
    taskQueue: WARM_TASK_QUEUE,
    args: [{ ...input, trigger: 'manual' }],
    staticSummary: `Warm of ${what} by hand`,
  });
  return { workflowId: run.workflowId, runId: run.firstExecutionRunId };
}

/** Starts the warm of a starting worker. Workers that start at the same time share one warm. */
export async function startStartupWarm(temporal: Client, requestedBy: string): Promise<void> {
  await temporal.workflow.start<Workflows['warmCache']>('warmCache', {
    workflowId: STARTUP_WARM_ID,
    taskQueue: WARM_TASK_QUEUE,
    args: [{ trigger: 'startup', requestedBy }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: 'Warm of the whole cache at startup',
  });
}
