import { setTimeout as sleep } from 'node:timers/promises';
import { Client, isGrpcServiceError, type Connection } from '@temporalio/client';
import { registerSearchAttributes } from '../../clients/temporal/register-search-attributes.ts';

const GRPC_ALREADY_EXISTS = 6;
const MAX_TRIES = 100;

/**
 * Registers a Temporal namespace with our search attributes. All scoring activities use one task queue, so a namespace per run
 * keeps the workers of parallel runs apart.
 */
export async function createNamespace(connection: Connection, namespace: string): Promise<void> {
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  // The server refreshes its list of namespaces periodically, so retry until the new one is in it.
  for (let tries = 0; ; tries += 1) {
    try {
      await registerSearchAttributes(connection, namespace);
      await new Client({ connection, namespace }).workflow.count();
      return;
    } catch (error) {
      if (!isGrpcServiceError(error) || tries > MAX_TRIES) throw error;
      if (Number(error.code) === GRPC_ALREADY_EXISTS) return;
      await sleep(200);
    }
  }
}
