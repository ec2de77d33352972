import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { EtlLoadsState } from '../../contract/etl-loads.ts';
import { etlLoadsStateQuery, tablesLoadedSignal } from '../../contract/messages.ts';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import type { EtlLoad } from '../../domain/warming/etl-load.ts';
import type { StartedWorkflow } from './start-warm.ts';

/**
 * Signals a load to the receiver, and starts the receiver when it does not run. No worker needs to run for this.
 * @throws ServiceError when Temporal does not accept it
 */
export async function signalEtlLoad(temporal: Client, load: EtlLoad): Promise<StartedWorkflow> {
  const receiver = await temporal.workflow.signalWithStart<Workflows['etlLoads'], [EtlLoad]>('etlLoads', {
    workflowId: ETL_LOADS_ID,
    taskQueue: WARM_TASK_QUEUE,
    signal: tablesLoadedSignal,
    signalArgs: [load],
    staticSummary: 'Turns ETL loads into warms of the parts that became stale',
  });
  return { workflowId: receiver.workflowId, runId: receiver.signaledRunId };
}

/**
 * State of the recent loads; null when there were none. A worker must run.
 * @throws ServiceError
 */
export async function readEtlLoads(temporal: Client): Promise<EtlLoadsState | null> {
  try {
    return await temporal.workflow.getHandle<Workflows['etlLoads']>(ETL_LOADS_ID).query(etlLoadsStateQuery);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
