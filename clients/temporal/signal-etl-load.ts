import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { EtlLoad } from '../../domain/warming/etl-load.ts';
import { ETL_LOADS_ID, WARM_TASK_QUEUE } from '../../contract/workflow-ids.ts';
import type { etlLoads, EtlLoadsState } from '../../workflows/warming/etl-loads.ts';
import { etlLoadsStateQuery, tablesLoadedSignal } from '../../contract/messages.ts';

/**
 * Tells the receiver of a load, and starts it where it does not run: no worker need be there.
 * @throws ServiceError when Temporal did not take it
 */
export async function signalEtlLoad(
  temporal: Client,
  load: EtlLoad,
): Promise<{ readonly workflowId: string; readonly runId: string }> {
  const receiver = await temporal.workflow.signalWithStart<typeof etlLoads, [EtlLoad]>('etlLoads', {
    workflowId: ETL_LOADS_ID,
    taskQueue: WARM_TASK_QUEUE,
    signal: tablesLoadedSignal,
    signalArgs: [load],
    staticSummary: 'Turns ETL loads into warms of what they made stale',
  });
  return { workflowId: receiver.workflowId, runId: receiver.signaledRunId };
}

/**
 * What became of the loads of late; null when there were none. A worker has to be there.
 * @throws ServiceError
 */
export async function readEtlLoads(temporal: Client): Promise<EtlLoadsState | null> {
  try {
    return await temporal.workflow.getHandle<typeof etlLoads>(ETL_LOADS_ID).query(etlLoadsStateQuery);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
