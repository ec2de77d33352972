/**
 * Temporary USER_ERRORs: a load is replacing a table and its columns, or an operator killed the query. A query uses the columns of the last
 * schema check.
 */
const PASSING: ReadonlySet<string> = new Set([
  'SCHEMA_NOT_FOUND',
  'TABLE_NOT_FOUND',
  'COLUMN_NOT_FOUND',
  'USER_CANCELED',
  'ADMINISTRATIVELY_KILLED',
]);

/** Trino rejected a query or failed to run it. */
export class TrinoQueryError extends Error {
  readonly code = 'TRINO_QUERY_FAILED';
  /** Whether the same query may succeed later. */
  readonly retryable: boolean;
  /** The error without the id of the query. */
  readonly reason: string;
  constructor(
    readonly queryId: string,
    readonly errorName: string,
    readonly errorType: string,
    /** Trino's message. */
    readonly words: string,
  ) {
    super(`Trino query ${queryId} failed: ${errorName}: ${words}`);
    this.reason = `${errorName}: ${words}`;
    this.name = 'TrinoQueryError';
    // Other USER_ERRORs: the query itself is wrong. INTERNAL_ERROR, INSUFFICIENT_RESOURCES and EXTERNAL are temporary.
    this.retryable = errorType !== 'USER_ERROR' || PASSING.has(errorName);
  }
}

/** A view does not match its table, which a load may be replacing. The view is valid again after the load, or must be created again. */
const UNUSABLE_VIEW = /^(?:VIEW_IS_STALE|INVALID_VIEW)$/;

/** Whether the lakehouse cannot answer now. For any other error the query is wrong. */
export const isTrinoUnable = (error: unknown): boolean =>
  error instanceof TrinoUnavailableError ||
  (error instanceof TrinoQueryError && (error.retryable || UNUSABLE_VIEW.test(error.errorName)));

/** Whether a query used a table or column that does not exist. It may have been changed since the last schema check. */
export const isSchemaOutdated = (error: unknown): boolean =>
  error instanceof TrinoQueryError && /^(?:TABLE|COLUMN)_NOT_FOUND$/.test(error.errorName);

/** Whether a query used a table that does not exist. A load may be creating it again. */
export const isTableMissing = (error: unknown): boolean =>
  error instanceof TrinoQueryError && error.errorName === 'TABLE_NOT_FOUND';

/** The error for a damaged data file. The group is the connector. */
export const BAD_DATA = /^(HIVE|ICEBERG)_BAD_DATA$/;

/** The id column of a table cannot be read. If the error could have another cause, it was repeated for some seconds. */
export class UnreadableIdError extends TrinoQueryError {
  constructor({ queryId, errorName, errorType, words }: TrinoQueryError) {
    super(queryId, errorName, errorType, words);
    this.name = 'UnreadableIdError';
  }
}

/** Trino could not be reached, did not follow its protocol, or took too long. */
export class TrinoUnavailableError extends Error {
  readonly code = 'TRINO_UNAVAILABLE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TrinoUnavailableError';
  }
}

/** Returns errors of this client unchanged, and turns any other error into a TrinoUnavailableError. */
export function toTrinoError(error: unknown, url: string): Error {
  if (error instanceof TrinoUnavailableError || error instanceof TrinoQueryError) return error;
  // Not the axios error itself: it contains the request with its Authorization header.
  const { code, message, response } = error as {
    code?: string;
    message?: string;
    response?: { status?: number };
  };
  const reason = response?.status === undefined ? (code ?? message) : `HTTP ${response.status}`;
  return new TrinoUnavailableError(`Trino at ${url} did not answer: ${reason}`);
}
