import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { EtlLoadsState, EtlRunStatus } from '../../contract/etl-loads.ts';
import { etlLoadsStateQuery, etlRunQuery, tablesLoadedSignal } from '../../contract/messages.ts';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import type { EtlLoad } from '../../domain/warming/etl-load.ts';
import type { EtlRunSelector } from '../../domain/warming/load-memory.ts';
import type { StartedWorkflow } from './start-warm.ts';

/**
 * Signals a load to the receiver, and starts the receiver if it is not running. Works without a running worker.
 * @throws ServiceError when Temporal does not accept it
 */
export async function signalEtlLoad(temporal: Client, load: EtlLoad): Promise<StartedWorkflow> {
  const receiver = await temporal.workflow.signalWithStart<Workflows['etlLoads'], [EtlLoad]>('etlLoads', {
    workflowId: ETL_LOADS_ID,
    taskQueue: WARM_TASK_QUEUE,
    signal: tablesLoadedSignal,
    signalArgs: [load],
    // A task with thousands of signals may take longer than the 10 s that Temporal waits by default.
    workflowTaskTimeout: '60 seconds',
    staticSummary: 'Turns ETL loads into warms of the parts that became stale',
  });
  return { workflowId: receiver.workflowId, runId: receiver.signaledRunId };
}

/**
 * State of the recent loads; null if there were none. A worker must be running.
 * @throws ServiceError
 */
export const readEtlLoads = (temporal: Client): Promise<EtlLoadsState | null> =>
  nullIfNotFound(() => receiverOf(temporal).query(etlLoadsStateQuery));

/**
 * The state of the loads of a pipeline run; null if the receiver does not know the run. A worker must be running.
 * @throws ServiceError
 */
export const readEtlRun = (temporal: Client, run: EtlRunSelector): Promise<EtlRunStatus | null> =>
  nullIfNotFound(() => receiverOf(temporal).query(etlRunQuery, run));

const receiverOf = (temporal: Client) => temporal.workflow.getHandle<Workflows['etlLoads']>(ETL_LOADS_ID);

async function nullIfNotFound<T>(query: () => Promise<T>): Promise<T | null> {
  try {
    return await query();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
