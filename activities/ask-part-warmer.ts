import type { Client } from '@temporalio/client';
import type { WarmPart } from '../domain/warming.ts';
import { partWarmerId, WARM_TASK_QUEUE } from '../workflows/ids.ts';
import { warmRequested, type WarmRequest } from '../workflows/messages.ts';

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
