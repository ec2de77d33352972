import { ApplicationFailure } from '@temporalio/activity';
import { TrinoQueryError } from '../../clients/lakehouse/trino-errors.ts';
import { failureTypes } from '../../contract/failure-types.ts';

/** Errors of the user's kind that pass: a table that a load replaces is missing for a moment, and an operator may kill a query. */
const PASSING = new Set(['TABLE_NOT_FOUND', 'USER_CANCELED', 'ADMINISTRATIVELY_KILLED']);

/**
 * Turns an error of Trino that a retry would repeat, such as NOT_SUPPORTED or TYPE_MISMATCH, into a SourceUnreadable failure with
 * Trino's words, which is not retried. Returns any other error unchanged.
 */
export function translateTrinoError(error: unknown): unknown {
  if (!(error instanceof TrinoQueryError) || error.retryable || PASSING.has(error.errorName)) return error;
  return ApplicationFailure.create({
    type: failureTypes.sourceUnreadable,
    nonRetryable: true,
    message: `Trino cannot read the Silver tables. The cache keeps what it has. Correct the table that Trino names, then warm again (${error.message})`,
    cause: error,
  });
}
