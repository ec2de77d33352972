import type { Client } from '@temporalio/client';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { partWarmerId, WARM_TASK_QUEUE } from '../../contract/workflow-ids.ts';
import { warmRequestedSignal, type WarmRequest } from '../../contract/messages.ts';

export interface SignalPartWarmerArgs {
  readonly part: WarmPart;
  readonly request: WarmRequest;
}

/** Hands a request to the one workflow that warms this part, starting it where it does not run. */
export function createSignalPartWarmer({ temporal }: { temporal: Client }) {
  return async function signalPartWarmer({ part, request }: SignalPartWarmerArgs): Promise<void> {
    await temporal.workflow.signalWithStart('partWarmer', {
      workflowId: partWarmerId(part),
      taskQueue: WARM_TASK_QUEUE,
      args: [{ part }],
      signal: warmRequestedSignal,
      signalArgs: [request],
      staticSummary: `Warms ${part}, one run at a time`,
    });
  };
}
