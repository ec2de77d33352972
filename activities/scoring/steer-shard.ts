import type { Client, WorkflowHandle } from '@temporalio/client';
import type { LoopUpdate } from '../../contract/scoring-loop.ts';

export interface SteerShardArgs {
  readonly workflowId: string;
  readonly update: LoopUpdate;
  /** The id under which the loop gets the update, so that a retry after a lost answer does not carry it out twice. */
  readonly updateId: string;
}

/** Sends an update to the loop of another shard, and waits until it is carried out. */
export const createSteerShard = ({ temporal }: { readonly temporal: Client }) =>
  async function steerShard({ workflowId, update: { name, args }, updateId }: SteerShardArgs): Promise<void> {
    const loop: WorkflowHandle = temporal.workflow.getHandle(workflowId);
    await loop.executeUpdate<unknown, [unknown]>(name, { args: args as [unknown], updateId });
  };
