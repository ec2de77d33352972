import { isGrpcServiceError, type ConnectionLike } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../contract/workflow-ids.ts';

/** temporal.api.enums.v1.IndexedValueType */
const types = { KEYWORD: 2, KEYWORD_LIST: 7 } as const;

/**
 * gRPC codes that are no reason to stop: they are there; or this worker may not register any, and an operator did
 * (docs/deployment.md). Where nobody did, the first workflow task says so.
 */
const HARMLESS = new Set([6 /* ALREADY_EXISTS */, 7 /* PERMISSION_DENIED */, 12 /* UNIMPLEMENTED */]);

/**
 * Registers the search attributes that the workflows set; a namespace that lacks one would refuse the workflows.
 * Doing it again changes nothing. Needs the operator service: where a worker may not use it, an operator registers them
 * once (docs/deployment.md).
 */
export async function registerSearchAttributes(connection: ConnectionLike, namespace: string): Promise<void> {
  for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) {
    try {
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: { [name]: types[type] },
      });
    } catch (error) {
      if (!isGrpcServiceError(error) || !HARMLESS.has(Number(error.code))) throw error;
    }
  }
}
