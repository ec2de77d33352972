/** Trino rejected a query or failed to run it. */
export class TrinoQueryError extends Error {
  readonly code = 'TRINO_QUERY_FAILED';
  /** Whether the same query may succeed later. */
  readonly retryable: boolean;
  /** Trino's words, without the id of the query. */
  readonly reason: string;
  constructor(
    readonly queryId: string,
    readonly errorName: string,
    errorType: string,
    message: string,
  ) {
    super(`Trino query ${queryId} failed: ${errorName}: ${message}`);
    this.reason = `${errorName}: ${message}`;
    this.name = 'TrinoQueryError';
    // USER_ERROR: the query itself is wrong. INTERNAL_ERROR, INSUFFICIENT_RESOURCES and EXTERNAL are temporary.
    this.retryable = errorType !== 'USER_ERROR';
  }
}

/** Names of errors for a damaged data file. The group is the connector. */
export const DAMAGED_FILE = /^(HIVE|ICEBERG)_(?:BAD_DATA|CURSOR_ERROR)$/;

/** Trino could not be reached, did not follow its protocol, or took too long. */
export class TrinoUnavailableError extends Error {
  readonly code = 'TRINO_UNAVAILABLE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TrinoUnavailableError';
  }
}

/** Keeps the errors of this client; turns any other error into a TrinoUnavailableError. */
export function toTrinoError(error: unknown, url?: string): Error {
  if (error instanceof TrinoUnavailableError || error instanceof TrinoQueryError) return error;
  // Not the axios error itself: it contains the request with its Authorization header.
  const { code, message, response } = error as {
    code?: string;
    message?: string;
    response?: { status?: number };
  };
  const reason = response?.status === undefined ? (code ?? message) : `HTTP ${response.status}`;
  return new TrinoUnavailableError(`Trino${url === undefined ? '' : ` at ${url}`} did not answer: ${reason}`);
}
