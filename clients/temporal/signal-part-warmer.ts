import type { Client } from '@temporalio/client';
import { warmRequestedSignal } from '../../contract/messages.ts';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import type { WarmRequest } from '../../contract/part-warmer.ts';
import { partWarmerId } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';

/** Sends a request to the workflow that warms this part, and starts the workflow if it is not running. */
export async function signalPartWarmer(
  temporal: Client,
  part: WarmPart,
  request: WarmRequest,
): Promise<void> {
  await temporal.workflow.signalWithStart<Workflows['partWarmer'], [WarmRequest]>('partWarmer', {
    workflowId: partWarmerId(part),
    taskQueue: WARM_TASK_QUEUE,
    args: [{ part }],
    signal: warmRequestedSignal,
    signalArgs: [request],
    staticSummary: `Warms ${part}, one run at a time`,
  });
}
