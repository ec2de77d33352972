import { Client, Connection } from '@temporalio/client';
import { afterAll, inject } from 'vitest';

/**
 * What a test file leaves waiting for a worker would be taken up by the worker of the next one, and write into its Redis.
 * Files run one at a time.
 */
afterAll(async () => {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = inject('engines');
  const connection = await Connection.connect({ address });
  const { workflow } = new Client({ connection, namespace });
  for await (const { workflowId, runId } of workflow.list({ query: "ExecutionStatus = 'Running'" }))
    await workflow
      .getHandle(workflowId, runId)
      .terminate('its test file is over')
      .catch(() => {}); // it has just ended
  await connection.close();
});
