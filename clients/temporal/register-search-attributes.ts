import { isGrpcServiceError, type ConnectionLike } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes.ts';

/** temporal.api.enums.v1.IndexedValueType */
const types = { KEYWORD: 2, KEYWORD_LIST: 7 } as const;

/**
 * Accepted gRPC codes: the attributes exist already, or this worker has no permission and an operator registers them (docs/deployment.md).
 * If they are missing, the first workflow task fails and names them.
 */
const ACCEPTABLE = new Set([6 /* ALREADY_EXISTS */, 7 /* PERMISSION_DENIED */, 12 /* UNIMPLEMENTED */]);

/**
 * Registers the search attributes that the workflows set. A namespace without them refuses the workflows. It is safe to call
 * this again. It needs the operator service of Temporal.
 */
export async function registerSearchAttributes(connection: ConnectionLike, namespace: string): Promise<void> {
  for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) {
    try {
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: { [name]: types[type] },
      });
    } catch (error) {
      if (!isGrpcServiceError(error) || !ACCEPTABLE.has(Number(error.code))) throw error;
    }
  }
}
