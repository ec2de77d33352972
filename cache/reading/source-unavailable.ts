import { SourceSchemaError } from '../../clients/lakehouse/silver-catalog.ts';
import { TrinoQueryError, TrinoUnavailableError } from '../../clients/lakehouse/trino.ts';

/** The lakehouse cannot be asked now; the same read may work in `retryAfterSeconds`. */
export class SourceUnavailableError extends Error {
  readonly code = 'SOURCE_UNAVAILABLE';
  readonly retryAfterSeconds = 5;
  constructor(
    readonly entity: string,
    options: ErrorOptions,
  ) {
    super(`${entity} is not cached and the lakehouse cannot be asked now`, options);
    this.name = 'SourceUnavailableError';
  }
}

/** What a failed read of the source means to the reader; a query that is wrong in itself stays what it is. */
export function translateSourceError(entity: string, error: unknown): unknown {
  const passing =
    error instanceof TrinoUnavailableError ||
    error instanceof SourceSchemaError ||
    (error instanceof TrinoQueryError && error.retryable);
  return passing ? new SourceUnavailableError(entity, { cause: error }) : error;
}
