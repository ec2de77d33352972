import type { Client } from '@temporalio/client';

export interface AwaitShardUpdateArgs {
  readonly workflowId: string;
  /** The run that has accepted the update. */
  readonly runId: string;
  readonly updateId: string;
}

/** Waits until the loop of another shard has carried out an update. */
export const createAwaitShardUpdate = ({ temporal }: { readonly temporal: Client }) =>
  async function awaitShardUpdate({ workflowId, runId, updateId }: AwaitShardUpdateArgs): Promise<void> {
    await temporal.workflow.getHandle(workflowId, runId).getUpdateHandle(updateId).result();
  };
