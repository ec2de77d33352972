import type { Client } from '@temporalio/client';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { partWarmerId, WARM_TASK_QUEUE } from '../../contract/workflow-ids.ts';
import { warmRequested, type WarmRequest } from '../../contract/messages.ts';

export interface AskPartWarmerArgs {
  readonly part: WarmPart;
  readonly request: WarmRequest;
}

/** Hands a request to the one workflow that warms this part, starting it where it does not run. */
export function createAskPartWarmer({ temporal }: { temporal: Client }) {
  return async function askPartWarmer({ part, request }: AskPartWarmerArgs): Promise<void> {
    await temporal.workflow.signalWithStart('partWarmer', {
      workflowId: partWarmerId(part),
      taskQueue: WARM_TASK_QUEUE,
      args: [{ part }],
      signal: warmRequested,
      signalArgs: [request],
      staticSummary: `Warms ${part}, one run at a time`,
    });
  };
}
