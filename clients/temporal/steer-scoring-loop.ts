import type { Client, WorkflowHandle } from '@temporalio/client';
import type { LoopUpdate } from '../../contract/scoring-loop.ts';

/**
 * Steers a scoring loop, and waits until it is done.
 * @param updateId a loop carries out an update once for each id
 * @throws WorkflowUpdateFailedError when the loop refuses
 */
export async function steerScoringLoop(
  temporal: Client,
  workflowId: string,
  { name, args }: LoopUpdate,
  updateId?: string,
): Promise<void> {
  const loop: WorkflowHandle = temporal.workflow.getHandle(workflowId);
  await loop.executeUpdate<unknown, [unknown]>(name, {
    args: args as [unknown],
    ...(updateId !== undefined && { updateId }),
  });
}
