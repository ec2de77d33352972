import { ApplicationFailure } from '@temporalio/activity';
import { BAD_DATA, TrinoQueryError, UnreadableIdError } from '../../clients/lakehouse/trino-errors.ts';
import { failureTypes } from '../../contract/failure-types.ts';

/**
 * Turns an error of Trino that a retry would repeat, such as NOT_SUPPORTED or TYPE_MISMATCH, into a SourceUnreadable failure with
 * Trino's words, which is not retried. Returns any other error unchanged.
 * @param filesAreSame whether the files are the same as before the read
 */
export function translateTrinoError(error: unknown, { filesAreSame } = { filesAreSame: false }): unknown {
  if (!(error instanceof TrinoQueryError)) return error;
  const { errorName, retryable } = error;
  const isOfContent = error instanceof UnreadableIdError || BAD_DATA.test(errorName);
  // Files of Iceberg never change. A load may be replacing a Hive file now, so a retry can succeed.
  const isPermanent = !retryable || (isOfContent && (filesAreSame || errorName.startsWith('ICEBERG_')));
  if (!isPermanent) return error;
  return ApplicationFailure.create({
    type: failureTypes.sourceUnreadable,
    nonRetryable: true,
    message: `Trino cannot read the Silver tables. The cache keeps what it has. Correct the table that Trino names, then warm again (${error.message})`,
    cause: error,
  });
}
