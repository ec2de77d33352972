import { Client, Connection } from '@temporalio/client';
import { afterAll } from 'vitest';
import { testEngines } from './test-engines.ts';

/**
 * Terminates the workflows that a test file left open. Otherwise the worker of the next file would run them and write to its
 * Redis. No file runs in the same namespace meanwhile.
 */
afterAll(async () => {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = testEngines();
  const connection = await Connection.connect({ address });
  const { workflow } = new Client({ connection, namespace });
  for await (const { workflowId, runId } of workflow.list({ query: "ExecutionStatus = 'Running'" }))
    await workflow
      .getHandle(workflowId, runId)
      .terminate('its test file has ended')
      .catch(() => {}); // it may have ended in the meantime
  await connection.close();
});
