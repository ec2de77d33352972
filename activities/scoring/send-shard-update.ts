import { WorkflowUpdateStage, type Client, type WorkflowHandle } from '@temporalio/client';
import type { LoopUpdate } from '../../contract/scoring-loop.ts';

export interface SendShardUpdateArgs {
  readonly workflowId: string;
  readonly update: LoopUpdate;
  /** The id under which the loop gets the update, so that a retry after a lost answer does not carry it out twice. */
  readonly updateId: string;
}

/** Sends an update to the loop of another shard, and waits until that has accepted it. @returns the run that carries it out */
export const createSendShardUpdate = ({ temporal }: { readonly temporal: Client }) =>
  async function sendShardUpdate({ workflowId, update, updateId }: SendShardUpdateArgs): Promise<string> {
    const loop: WorkflowHandle = temporal.workflow.getHandle(workflowId);
    const args = update.args as [unknown];
    const waitForStage = WorkflowUpdateStage.ACCEPTED;
    const options = { args, updateId, waitForStage } as const;
    const { workflowRunId } = await loop.startUpdate<unknown, [unknown]>(update.name, options);
    if (workflowRunId === undefined) throw new Error(`Temporal named no run of ${workflowId}`);
    return workflowRunId;
  };
